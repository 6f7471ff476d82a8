"""What every environment can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from support.basics.errors import Obstacle
from support.registry import Framework

Say = Callable[[str], None]


class Environment(ABC):
    """A Python, and what is installed beside it. `name` is what records call it."""

    kind: ClassVar[str]
    preparing: ClassVar[
        str
    ]  # what `prepare` does, as progress shows it before the name
    name: str

    @property
    @abstractmethod
    def command(self) -> list[str]:
        """The words that start its Python."""

    @property
    @abstractmethod
    def folder(self) -> str:
        """The folder that it is installed in."""

    @property
    @abstractmethod
    def caches(self) -> Path:
        """A folder of ours for what its frameworks keep between runs."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Changes with everything that it is made of."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether notebooks can run in it now."""

    @abstractmethod
    def obstacle(self, framework: Framework) -> Obstacle | None:
        """What is known to keep the framework from running in it; nothing slow is started."""

    @abstractmethod
    def prepare(self, say: Say) -> None:
        """Make it ready. Raises NotPossible with reason and remedy."""

    @abstractmethod
    def packages(self) -> dict[str, str]:
        """The versions of its packages by name, as records show them."""

    @abstractmethod
    def kernel_variables(self) -> dict[str, str]:
        """Environment variables of its kernels beside those of the framework."""

    @property
    def probe_command(self) -> list[str]:
        """The words that start its Python for a script of ours."""
        return self.command

    def describe(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "digest": self.digest,
            "packages": self.packages(),
        }
