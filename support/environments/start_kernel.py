"""Start a Python kernel: `python start_kernel.py -f CONNECTION_FILE`, on any Python from 3.6 on.

Where the environment variable ROSETTA_OVERLAY names a folder with ipykernel, it comes last on
sys.path: what the environment has itself is never replaced.
"""

import os
import sys

if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]  # no notebook is to see the modules beside this file
if os.environ.get("ROSETTA_OVERLAY"):
    sys.path.append(os.environ["ROSETTA_OVERLAY"])

from ipykernel import kernelapp

kernelapp.launch_new_instance()
