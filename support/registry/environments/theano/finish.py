"""Offer Theano's module `pool` also under its old name, `downsample`, which older libraries import.

Run by an environment's own Python after its pins are installed.
"""

import os
import sysconfig

SIGNAL = os.path.join(sysconfig.get_paths()["purelib"], "theano", "tensor", "signal")

with open(os.path.join(SIGNAL, "downsample.py"), "w") as file:
    file.write("from theano.tensor.signal.pool import Pool as DownsampleFactorMax\n")
    file.write("from theano.tensor.signal.pool import pool_2d as max_pool_2d\n")
