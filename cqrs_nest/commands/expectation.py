"""`Expect`: which version a publish builds on, said in words."""

from __future__ import annotations

from typing import Self

from cqrs_nest.commands.keys import VERSION_FIRST, VERSION_LATEST


class Expect(int):
    """A value for `version` that says what it means; plain integers mean the same.

    >>> Expect.new(), Expect.version(3), Expect.any()
    (Expect.new(), Expect.version(3), Expect.any())
    >>> int(Expect.any())
    -1
    """

    @classmethod
    def new(cls) -> Self:
        """There is no such item yet. A partial update refuses it."""
        return cls(VERSION_FIRST)

    @classmethod
    def version(cls, number: int) -> Self:
        """The item has exactly this version. Raises ValueError for a number below 1."""
        if number < 1:
            raise ValueError(f"a version is 1 or more, not {number}; Expect.new() is for an item that is new")
        return cls(number)

    @classmethod
    def any(cls) -> Self:
        """The item may have any version, or not exist."""
        return cls(VERSION_LATEST)

    def __repr__(self) -> str:
        words = {VERSION_FIRST: "new()", VERSION_LATEST: "any()"}
        return f"Expect.{words.get(int(self), f'version({int(self)})')}"

    def __str__(self) -> str:
        return int.__repr__(self)
