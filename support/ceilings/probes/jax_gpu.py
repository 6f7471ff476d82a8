"""What a GPU reaches under JAX: a matrix product in each precision, and passing over its memory.

Prints JSON: FLOP/s by precision, bytes/s read and written, versions.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

SECONDS = 1  # of repetitions, of which the fastest counts
SIZE = 8192
COPIED = 1 << 28  # numbers of four bytes
PRECISIONS = {
    "fp32": (jnp.float32, "highest"),
    "tf32": (jnp.float32, "tensorfloat32"),
    "bf16": (jnp.bfloat16, "default"),
    "fp16": (jnp.float16, "default"),
}


def fastest(
    action: Callable[[jax.Array], jax.Array], argument: jax.Array, at_once: int = 5
) -> float:
    """The shortest time of an action, in seconds; several at once, so that none waits for Python."""
    compiled = jax.jit(action)
    compiled(argument).block_until_ready()
    times: list[float] = []
    until = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(at_once):
            result = compiled(argument)
        result.block_until_ready()
        times.append((time.perf_counter() - start) / at_once)
    return min(times)


def matmul(precision: str) -> float:
    """FLOP/s of a large product."""
    dtype, setting = PRECISIONS[precision]
    a = jax.random.normal(jax.random.key(0), (SIZE, SIZE)).astype(dtype)
    seconds = fastest(lambda a: jnp.matmul(a, a, precision=setting), a)
    return 2 * SIZE**3 / seconds


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
    """Bytes/s of a negation, as a mere copy might be optimised away; both read and written count."""
    a = jnp.ones(COPIED, jnp.float32)
    return 2 * a.nbytes / fastest(jnp.negative, a)


if __name__ == "__main__":
    if jax.default_backend() != "gpu":
        sys.exit("JAX finds no GPU")
    result = {
        "matmul": products(),
        "copy": copy(),
        "versions": {"JAX": jax.__version__, "Python": platform.python_version()},
    }
    print(json.dumps(result))
