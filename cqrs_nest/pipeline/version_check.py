"""Whether it is a command's turn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Turn(Enum):
    """What is to be done with a command, given the version that is applied."""

    NOW = auto()
    """It is the next one."""
    AGAIN = auto()
    """It is the one that was applied last, delivered once more."""
    LATER = auto()
    """One before it has not been applied yet."""
    OVER = auto()
    """It was applied and later ones were too."""
    LATE = auto()
    """The same, but not everything was done for it."""
    NEVER = auto()
    """Another command has taken its version."""


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """The turn of a command and the version that is applied (0: none)."""

    turn: Turn
    version: int
    applied: int

    def mismatch(self) -> dict[str, Any]:
        """The answer of the state `check_version` to a command whose version is taken.

        >>> VersionCheck(Turn.NEVER, version=1, applied=1).mismatch()["cause"]
        'next version must be 2 but got 1'
        """
        cause = f"next version must be {self.applied + 1} but got {self.version}"
        return {"result": -1, "error": "version is not match", "cause": cause}
