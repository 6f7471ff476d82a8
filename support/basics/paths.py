"""Where everything lies in a checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "results"
REGISTRY = ROOT / "support" / "registry"

# What run_all.py makes and git ignores.
PRIVATE = ROOT / ".rosetta"
ENVIRONMENTS = PRIVATE / "environments"
PYTHONS = PRIVATE / "pythons"
KERNELS = PRIVATE / "jupyter"
CACHES = PRIVATE / "caches"  # of frameworks: compiled code, settings
RUNS = PRIVATE / "runs"
