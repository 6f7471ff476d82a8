"""What a GPU reaches under JAX: a matrix product in each precision, and passing over its memory.

Prints JSON: FLOP/s by precision, bytes/s read and written, versions.
"""

import json
import platform
import sys
import time

import jax
import jax.numpy as jnp

SECONDS = 1  # of repetitions, of which the fastest counts
SIZE = 8192
COPIED = 1 << 28  # numbers of four bytes
PRECISIONS = {"fp32": "highest", "tf32": "tensorfloat32", "bf16": "default"}


def fastest(action, argument, at_once=5):
    """The shortest time of an action, in seconds; several at once, so that none waits for Python."""
    compiled = jax.jit(action)
    compiled(argument).block_until_ready()
    times, until = [], time.perf_counter() + SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(at_once):
            result = compiled(argument)
        result.block_until_ready()
        times.append((time.perf_counter() - start) / at_once)
    return min(times)


def matmul(precision):
    """FLOP/s of a large product."""
    a = jnp.ones((SIZE, SIZE), jnp.bfloat16 if precision == "bf16" else jnp.float32)
    setting = PRECISIONS[precision]
    seconds = fastest(lambda a: jnp.matmul(a, a, precision=setting), a)
    return 2 * SIZE**3 / seconds


def copy():
    """Bytes/s of a negation, as a mere copy might be optimised away; both read and written count."""
    a = jnp.ones(COPIED, jnp.float32)
    return 2 * a.nbytes / fastest(jnp.negative, a)


if __name__ == "__main__":
    if jax.default_backend() != "gpu":
        sys.exit("JAX finds no GPU")
    result = {
        "matmul": {name: matmul(name) for name in PRECISIONS},
        "copy": copy(),
        "versions": {"JAX": jax.__version__, "Python": platform.python_version()},
    }
    print(json.dumps(result))
