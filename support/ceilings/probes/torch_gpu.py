"""What a GPU reaches under PyTorch: a matrix product in each precision, and copying its memory.

Prints JSON: FLOP/s by precision, bytes/s read and written, versions. Runs with PyTorch from 2.0 on.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable

import torch

SECONDS = 1  # of repetitions, of which the fastest counts
SIZE = 8192
COPIED = 1 << 30  # bytes
PRECISIONS = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def fastest(action: Callable[[], object], at_once: int = 5) -> float:
    """The shortest time of an action, in seconds; several at once, so that none waits for Python."""
    action()
    torch.cuda.synchronize()
    times: list[float] = []
    until = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(at_once):
            action()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / at_once)
    return min(times)


def round_to_tf32(wanted: bool) -> None:
    """Whether float32 products may round to TF32.

    Said to the products themselves: from PyTorch 2.9 to 2.11 the setting of all of
    torch.backends does not reach everything below it.
    """
    products = torch.backends.cuda.matmul
    if hasattr(products, "fp32_precision"):
        products.fp32_precision = "tf32" if wanted else "ieee"
    else:  # before PyTorch 2.9
        products.allow_tf32 = wanted


def matmul(precision: str) -> float:
    """FLOP/s of a large product."""
    round_to_tf32(precision == "tf32")
    a = torch.randn(SIZE, SIZE, device="cuda").to(PRECISIONS[precision])
    out = torch.empty_like(a)
    return 2 * SIZE**3 / fastest(lambda: torch.matmul(a, a, out=out))


def products() -> dict[str, float]:
    """FLOP/s by precision, without those that this GPU or this build does not have."""
    found = {}
    for precision in PRECISIONS:
        try:
            found[precision] = matmul(precision)
        except RuntimeError as error:
            print(f"{precision}: {error}", file=sys.stderr)
    return found


def copy() -> float:
    """Bytes/s; what is read and written both counts."""
    source = torch.ones(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPIED / fastest(lambda: target.copy_(source))


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU")
    result = {
        "matmul": products(),
        "copy": copy(),
        "versions": {
            "PyTorch": torch.__version__,
            "CUDA": str(torch.version.cuda or torch.version.hip),
            "Python": platform.python_version(),
        },
    }
    print(json.dumps(result))
