"""Errors that the user sees as one line rather than as a traceback."""

from dataclasses import dataclass


class UsageError(Exception):
    """The command asks for something that does not exist; exit status 2."""


class NotPossible(Exception):
    """Something cannot be done. `remedy` is the command or step that would make it possible.

    `lacking`: whether the machine simply has not what it takes, such as an interpreter or a
    GPU; this is no failure unless it was requested by name.
    """

    def __init__(self, reason: str, remedy: str = "", lacking: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.lacking = lacking

    def __str__(self) -> str:
        return (
            f"{self.reason}; to fix this: {self.remedy}" if self.remedy else self.reason
        )


@dataclass(frozen=True)
class Obstacle:
    """What stands between a run and this machine, found without starting anything slow.

    `kind` is one of the constants below; only `text` is for people.
    """

    kind: str
    text: str
    remedy: str = ""


NOTEBOOK = "notebook"  # there is none for this framework and model
PRECISION = "precision"  # the notebook or the device does not have it
ENVIRONMENT = "environment"  # pins, interpreter, system package or module are missing
