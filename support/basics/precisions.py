"""Precisions: what a run may compute in. fp32 means that nothing rounds float32 any further."""

from collections.abc import Iterable

# fp32: float32 throughout. tf32: products and convolutions on a GPU round their operands to ten
# bits of mantissa. bf16 and fp16: mixed, with float32 weights, in the framework's own way.
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
# No CPU has TF32, and most emulate float16 at less than a tenth of the speed of float32.
_OF_GPUS = ("tf32", "fp16")

# Libraries that may round float32 behind a framework's back, old ones too, which have no setting of
# their own: cuBLAS and cuDNN to TF32 since Ampere, oneDNN to what its users ask for.
_EXACT = {"NVIDIA_TF32_OVERRIDE": "0", "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT"}


def available(every: Iterable[str], kind: str) -> list[str]:
    """Those of the precisions that a device of this kind, "cpu" or "gpu", is made for."""
    return [p for p in every if kind == "gpu" or p not in _OF_GPUS]


def variables(precision: str) -> dict[str, str]:
    """The environment variables of a notebook that is run in this precision."""
    return _EXACT if precision == "fp32" else {}
