"""What a user chose for a run."""

from dataclasses import dataclass
from pathlib import Path

from support.devices.choose import Device
from support.environments import Environment, Installed, Pinned
from support.registry import Framework


@dataclass(frozen=True)
class Settings:
    """`folder` is where the machine's results are kept; `epochs` None means the protocol's number,
    or the quick one; `examples` limits an epoch, or a pass of inference, None meaning all there
    are; `installed` is the environment to use instead of the pinned ones."""

    device: Device
    folder: Path
    data: str = "real"  # or "quick"
    precision: str = "fp32"
    epochs: int | None = None
    examples: int | None = None
    installed: Installed | None = None

    def environment(self, framework: Framework) -> Environment:
        """Where the framework's notebooks run."""
        return self.installed or Pinned(framework.environment, self.device.kind)
