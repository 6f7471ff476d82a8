"""What every notebook imports: data sets, batches, weights, the clock and the record.

NumPy and the standard library only, and the same files on every Python from 3.6 on: this
package runs inside each framework's own environment. It knows no framework.
"""

from common.batches import batches, permutation
from common.data import load_cifar10, load_images, load_imdb
from common.record import report, show_versions
from common.stopwatch import Stopwatch
from common.weights import assert_same_weights, initial_weights

__all__ = [
    "Stopwatch",
    "assert_same_weights",
    "batches",
    "initial_weights",
    "load_cifar10",
    "load_images",
    "load_imdb",
    "permutation",
    "report",
    "show_versions",
]
