"""What a GPU reaches under PyTorch: a matrix product in each precision, and copying its memory.

Prints JSON: FLOP/s by precision, bytes/s read and written, versions.
"""

import json
import platform
import time

import torch

SECONDS = 1  # of repetitions, of which the fastest counts
SIZE = 8192
COPIED = 1 << 30  # bytes


def fastest(action, at_once=5):
    """The shortest time of an action, in seconds; several at once, so that none waits for Python."""
    action()
    torch.cuda.synchronize()
    times, until = [], time.perf_counter() + SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(at_once):
            action()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / at_once)
    return min(times)


def matmul(precision):
    """FLOP/s of a large product."""
    torch.backends.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.randn(SIZE, SIZE, dtype=dtype, device="cuda")
    out = torch.empty_like(a)
    return 2 * SIZE**3 / fastest(lambda: torch.matmul(a, a, out=out))


def copy():
    """Bytes/s; what is read and written both counts."""
    source = torch.ones(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPIED / fastest(lambda: target.copy_(source))


if __name__ == "__main__":
    result = {
        "matmul": {name: matmul(name) for name in ("fp32", "tf32", "bf16")},
        "copy": copy(),
        "versions": {
            "PyTorch": torch.__version__,
            "CUDA": torch.version.cuda,
            "Python": platform.python_version(),
        },
    }
    print(json.dumps(result))
