"""What all processors together reach: a float32 matrix product by NumPy's BLAS, and copying memory.

OMP_NUM_THREADS says how many processors there are. Prints JSON: FLOP/s by precision, bytes/s read
and written, versions and threads.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SECONDS = 2  # of repetitions, of which the fastest counts
LARGEST = 8192  # three such matrices take 0.8 GB
COPIED = 1 << 28  # bytes, more than any cache holds


def fastest(action: Callable[[], object]) -> float:
    """The shortest time of an action, in seconds, repeated for a while after a first time."""
    action()
    times: list[float] = []
    until = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def matmul() -> float:
    """FLOP/s of a product that takes a tenth of a second or more, so that its threads pay off."""
    size, seconds = 512, 0.0
    while seconds < 0.1 and size < LARGEST:
        size *= 2
        a = np.ones((size, size), np.float32)
        out = np.empty_like(a)
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        seconds = time.perf_counter() - start
    return 2 * size**3 / fastest(lambda: np.matmul(a, a, out=out))


def copy(threads: int) -> float:
    """Bytes/s of a copy, of which each thread does a part; what is read and written both counts."""
    source = np.ones(COPIED, np.uint8)
    target = np.empty_like(source)
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads)))
    with ThreadPoolExecutor(threads) as pool:
        seconds = fastest(
            lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts))
        )
    return 2 * COPIED / seconds


def versions() -> dict[str, str]:
    """NumPy, the BLAS it was built with, Python."""
    found = {"NumPy": np.__version__, "Python": platform.python_version()}
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    if blas:
        found["BLAS"] = f"{blas.get('name')} {blas.get('version', '')}".strip()
    return found


if __name__ == "__main__":
    threads = int(os.environ["OMP_NUM_THREADS"])
    result = {
        "matmul": {"fp32": matmul()},
        "copy": copy(threads),
        "versions": versions(),
        "threads": threads,
    }
    print(json.dumps(result))
