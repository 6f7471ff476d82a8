"""What vendors say that their GPUs reach at most, and how measured ceilings compare with it.

All figures are dense. Datasheets often give those with structured sparsity instead, which are twice
as high; they are halved here. Half precision is with float32 accumulation, as frameworks use it: on
GeForce cards that is half of what is advertised.
"""

import re
from dataclasses import dataclass

from support.basics.numbers import number, percent
from support.basics.precisions import PRECISIONS
from support.ceilings.store import Ceilings
from support.devices.choose import Device

# The year in which NVIDIA announced a GPU, by what its name begins with.
YEARS = {
    "V100": 2017,
    "T4": 2018,
    "A100": 2020,
    "A10": 2021,
    "GeForce RTX 3090": 2020,
    "GeForce RTX 4090": 2022,
    "GeForce RTX 5090": 2025,
    "L4": 2023,
    "L40S": 2023,
    "H100": 2022,
    "H200": 2023,
    "B200": 2024,
}
LOW = 0.6  # of a peak: less is a finding


@dataclass(frozen=True)
class Peaks:
    """TFLOP/s of matrix products by precision, None where the GPU has no such precision; TB/s of
    its memory; and where the figures are from."""

    fp32: float
    tf32: float | None
    bf16: float | None
    fp16: float
    memory: float
    source: str


V100 = "NVIDIA V100 Tensor Core GPU, datasheet, 2020"
TURING = "NVIDIA Turing GPU Architecture, whitepaper, 2018"
AMPERE = "NVIDIA A100 Tensor Core GPU Architecture, whitepaper, 2020"
A100 = "NVIDIA A100 Tensor Core GPU, datasheet, 2021"
A10 = "NVIDIA A10 Tensor Core GPU, datasheet, 2021"
GA102 = "NVIDIA Ampere GA102 GPU Architecture, whitepaper, 2021"
L4 = "NVIDIA L4 Tensor Core GPU, datasheet, 2023"
L40S = "NVIDIA L40S, datasheet, 2023"
ADA = "NVIDIA Ada GPU Architecture, whitepaper, 2022"
BLACKWELL = "NVIDIA RTX Blackwell GPU Architecture, whitepaper, 2025"
HOPPER = "NVIDIA H100 Tensor Core GPU Architecture, whitepaper, 2023"
H200 = "NVIDIA H200 Tensor Core GPU, datasheet, 2024"
B200 = "NVIDIA HGX B200, datasheet, 2025"
# By the names of nvidia-smi, without the maker's.
PEAKS = {
    "V100-SXM2-16GB": Peaks(15.7, None, None, 125, 0.9, V100),
    "V100-SXM2-32GB": Peaks(15.7, None, None, 125, 0.9, V100),
    "V100-PCIE-16GB": Peaks(14, None, None, 112, 0.9, V100),
    "V100-PCIE-32GB": Peaks(14, None, None, 112, 0.9, V100),
    "T4": Peaks(8.1, None, None, 65, 0.32, TURING),
    "A100-SXM4-40GB": Peaks(19.5, 156, 312, 312, 1.555, AMPERE),
    "A100-PCIE-40GB": Peaks(19.5, 156, 312, 312, 1.555, AMPERE),
    "A100-SXM4-80GB": Peaks(19.5, 156, 312, 312, 2.039, A100),
    "A100 80GB PCIe": Peaks(19.5, 156, 312, 312, 1.935, A100),
    "A10": Peaks(31.2, 62.5, 125, 125, 0.6, A10),
    "GeForce RTX 3090": Peaks(35.6, 35.6, 71, 71, 0.936, GA102),
    "L4": Peaks(30.3, 60, 121, 121, 0.3, L4),
    "L40S": Peaks(91.6, 183, 362, 362, 0.864, L40S),
    "GeForce RTX 4090": Peaks(82.6, 82.6, 165.2, 165.2, 1.008, ADA),
    "GeForce RTX 5090": Peaks(104.8, 104.8, 209.5, 209.5, 1.792, BLACKWELL),
    "H100 80GB HBM3": Peaks(66.9, 494.7, 989.4, 989.4, 3.35, HOPPER),  # SXM
    "H100 PCIe": Peaks(51.2, 378, 756, 756, 2, HOPPER),
    "H200": Peaks(67, 494.5, 989.5, 989.5, 4.8, H200),
    "B200": Peaks(75, 1100, 2250, 2250, 7.7, B200),
}


@dataclass(frozen=True)
class Comparison:
    """A measured ceiling beside its peak, in the unit: of a precision's products, or of memory."""

    what: str
    reached: float
    peak: float
    unit: str

    @property
    def is_low(self) -> bool:
        return self.reached < LOW * self.peak

    def __str__(self) -> str:
        return (
            f"{self.what} {number(self.reached)} of {number(self.peak)} {self.unit} "
            f"({percent(self.reached / self.peak)})"
        )


def peaks_of(device: Device) -> Peaks | None:
    """The peaks of a whole GPU; None for others, for a part of one (MIG), and for the CPU."""
    name = device.name.removeprefix("NVIDIA ").removeprefix("Tesla ")
    return None if device.uuid.startswith("MIG-") else PEAKS.get(name)


def compare(ceilings: Ceilings, peaks: Peaks) -> list[Comparison]:
    """Every ceiling that was measured and has a peak."""
    found = [
        Comparison(precision, reached / 1e12, getattr(peaks, precision), "TFLOP/s")
        for precision, reached in ceilings.get("matmul", {}).items()
        if precision in PRECISIONS and getattr(peaks, precision)
    ]
    if "copy" in ceilings:
        memory = Comparison("memory", ceilings["copy"] / 1e12, peaks.memory, "TB/s")
        found.append(memory)
    return found


def year(device: str) -> int | None:
    """The year in which the GPU of this name was announced; None if it is not known here."""
    name = device.removeprefix("NVIDIA ")
    return next((YEARS[n] for n in YEARS if re.match(rf"{n}(?!\w)", name)), None)
