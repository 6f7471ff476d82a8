"""Where everything lies in a checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "results"
PINS = ROOT / "support" / "environments"

# What run_all.py makes and git ignores; nothing is written anywhere else.
PRIVATE = ROOT / ".rosetta"
ENVIRONMENTS = PRIVATE / "environments"
PYTHONS = PRIVATE / "pythons"
KERNELS = PRIVATE / "jupyter"
RUNS = PRIVATE / "runs"
