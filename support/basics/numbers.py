"""Figures as people read them."""

import math


def number(seconds: float) -> str:
    """Three significant digits, which is more than runs agree on; never in powers of ten."""
    if 0 < abs(seconds) < 1e-4:
        return f"{seconds:.{2 - math.floor(math.log10(abs(seconds)))}f}"
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.3g}"


def counted(count: int, noun: str) -> str:
    """1 run, 3 runs."""
    return f"{count} {noun}{'s' if count > 1 else ''}"


def percent(share: float) -> str:
    """Two digits: 57%, 3.1%."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def scaled(value: float) -> str:
    """Three digits and the prefix of the unit: 207 G."""
    for prefix in ("", "k", "M", "G", "T"):
        if value < 999.5 or prefix == "T":
            return f"{value:.3g} {prefix}"
        value /= 1000
    raise AssertionError("unreachable")
