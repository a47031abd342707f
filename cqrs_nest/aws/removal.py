"""The marker for "leave this out"."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Removal(Enum):
    """The type of `REMOVE`."""

    REMOVE = "REMOVE"

    def __repr__(self) -> str:
        return self.name


REMOVE: Final = Removal.REMOVE
"""As a value: the property is left out of what is written; a partial update takes it off the stored item."""
