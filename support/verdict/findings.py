"""What was found out about an installation, as text, as JSON, and as an exit status."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from support.basics.errors import Obstacle
from support.devices.choose import Device
from support.registry import Framework

EXPECTED = "as expected"
SLOWER = "slower than expected"
OFF = "accuracy off"
FAILED = "failed"
UNKNOWN = "unknown"
WORST_FIRST = (FAILED, OFF, SLOWER, UNKNOWN, EXPECTED)

Pair = tuple[Framework, str]  # a framework and one of its models


@dataclass
class Finding:
    """What is known of a framework's model here. `status` is one of the constants above."""

    model: str
    status: str
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)


@dataclass
class DeviceFinding:
    """What is known of the device itself: EXPECTED or SLOWER, by the peaks that its vendor names."""

    name: str
    status: str
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)


Found = dict[Framework, list[Finding]]
LeftOut = dict[Pair, Obstacle]


def worst(statuses: Iterable[str]) -> str:
    """The status of what has all these."""
    return min(statuses, key=WORST_FIRST.index)


def exit_status(found: Found, device: DeviceFinding | None = None) -> int:
    """0 all as expected, 1 something failed, slower or off, 2 nothing of the kind, but something unknown."""
    statuses = {finding.status for many in found.values() for finding in many}
    if statuses & {FAILED, SLOWER, OFF} or (device and device.status == SLOWER):
        return 1
    return 0 if statuses == {EXPECTED} else 2


def as_text(
    found: Found, left_out: LeftOut, device: DeviceFinding | None = None
) -> str:
    """The verdicts: a block of lines for the device, if anything is known of it, and for each
    framework."""
    lines = []
    if device:
        lines.append(f"{device.name}: {device.status}")
        lines += _explained(device.evidence, device.causes)
    for framework, findings in found.items():
        status = worst(finding.status for finding in findings)
        lines.append(f"{framework.label}: {status}")
        for finding in findings:
            said = f"{finding.model}: {'; '.join(finding.evidence)}"
            lines += _explained([said], finding.causes)
    for (framework, model), obstacle in left_out.items():
        lines.append(f"left out: {framework.label} {model}: {obstacle.text}")
    if not found:
        lines.append("No framework could be compared.")
    return "\n".join(lines)


def _explained(evidence: list[str], causes: list[str]) -> list[str]:
    known = [f"  {text}" for text in evidence]
    return known + [f"    likely cause: {cause}" for cause in causes]


def as_json(
    found: Found,
    left_out: LeftOut,
    device: Device,
    finding: DeviceFinding | None = None,
) -> str:
    """The same for programs; `ceilings` is null where nothing is known of the device itself."""
    frameworks = {
        framework.key: {
            "label": framework.label,
            "status": worst(finding.status for finding in findings),
            "findings": [asdict(finding) for finding in findings],
        }
        for framework, findings in found.items()
    }
    said = {
        "device": device.name,
        "ceilings": asdict(finding) if finding else None,
        "frameworks": frameworks,
        "left_out": {
            f"{f.key} {model}": why.text for (f, model), why in left_out.items()
        },
    }
    return json.dumps(said, indent=2)
