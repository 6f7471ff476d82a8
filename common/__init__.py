"""What every notebook imports: data sets, batches, weights, the clock and the record.

NumPy and the standard library only, and the same files on every Python from 3.6 on: this
package runs inside each framework's own environment. It knows no framework.
"""

from common.batches import batches, permutation
from common.data import load_cifar10, load_images, load_imdb
from common.run import Run
from common.weights import assert_same_weights

__all__ = [
    "Run",
    "assert_same_weights",
    "batches",
    "load_cifar10",
    "load_images",
    "load_imdb",
    "permutation",
]
