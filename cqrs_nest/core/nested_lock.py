"""A lock that can be taken again by what runs inside of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar


class NestedLock:
    """Lets one block run at a time; of the blocks that run within a block, also one at a time.

    >>> async def nest(lock: NestedLock) -> str:
    ...     async with lock.hold(), lock.hold():
    ...         return "no deadlock"
    >>> asyncio.run(nest(NestedLock()))
    'no deadlock'
    """

    def __init__(self) -> None:
        self._outermost = asyncio.Lock()

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        """Wait for other blocks, but not for those that this one runs in."""
        around = _current.get()
        while around is not None and not (around.owner is self and around.is_open):
            around = around.around
        async with self._outermost if around is None else around.lock:
            block = _Block(self, _current.get())
            token = _current.set(block)
            try:
                yield
            finally:
                _current.reset(token)
                block.is_open = False


class _Block:
    """A block that holds a lock; a task that was started in it may outlive it."""

    __slots__ = ("around", "is_open", "lock", "owner")

    def __init__(self, owner: NestedLock, around: _Block | None) -> None:
        self.owner = owner
        self.around = around
        self.lock = asyncio.Lock()
        self.is_open = True


_current: ContextVar[_Block | None] = ContextVar("held_block", default=None)
