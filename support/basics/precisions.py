"""Precisions: what a run may compute in. fp32 means that nothing rounds float32 any further."""

from collections.abc import Iterable

# fp32: float32 throughout. tf32: products and convolutions on a GPU round their operands to ten
# bits of mantissa. bf16 and fp16: mixed, with float32 weights, in the framework's own way.
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
# No CPU has TF32, and most emulate float16 at less than a tenth of the speed of float32.
_OF_GPUS = ("tf32", "fp16")
# float16 in training needs a scaled loss; bfloat16 has the range of float32 and needs none.
OF_INFERENCE = ("fp16",)

# How a shell may tell libraries to round float32. Notebooks choose their precision themselves, so
# that they compute the same in the runner as in Jupyter, and what the shell says is kept from them.
ROUNDING = ("NVIDIA_TF32_OVERRIDE", "ONEDNN_DEFAULT_FPMATH_MODE")


def available(every: Iterable[str], model: str, kind: str) -> list[str]:
    """Those of a framework's precisions that the model and a device of this kind, "cpu" or "gpu", have."""
    return [
        precision
        for precision in every
        if (kind == "gpu" or precision not in _OF_GPUS)
        and (model == "Inference" or precision not in OF_INFERENCE)
    ]
