"""Where everything lies in a checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "results"
REGISTRY = ROOT / "support" / "registry"

# What run_all.py makes and git ignores; elsewhere where the checkout is shared by several hosts.
PRIVATE = Path(os.environ.get("ROSETTA_HOME") or ROOT / ".rosetta").resolve()
ENVIRONMENTS = PRIVATE / "environments"
PYTHONS = PRIVATE / "pythons"
KERNELS = PRIVATE / "jupyter"
CACHES = PRIVATE / "caches"  # of frameworks: compiled code, settings
RUNS = PRIVATE / "runs"
