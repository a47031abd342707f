"""How far what is being done lies from the event that began it, so that sagas in a circle come to an end."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

SAGA_DEPTH_LIMIT = 32
"""How many commands may follow from one another through sagas before it counts as a loop."""

SAGA_COMMAND_LIMIT = 1000
"""How many commands one event may lead to within a process; a circle that branches outgrows its depth."""


class SagaChain(NamedTuple):
    """Where something stands among all that follows from one event."""

    depth: int
    left: list[int]
    """How many commands may still follow: one number, shared by the whole chain."""

    def next(self) -> SagaChain:
        """One command further on."""
        return SagaChain(self.depth + 1, self.left)


_chain: ContextVar[SagaChain | None] = ContextVar("saga_chain", default=None)


def current_saga_chain() -> SagaChain:
    """The chain that the current work belongs to, or a new one."""
    return _chain.get() or SagaChain(0, [SAGA_COMMAND_LIMIT])


def saga_depth() -> int:
    """How many commands have followed from one another through sagas, this work included."""
    return current_saga_chain().depth


@contextmanager
def within_saga_chain(chain: SagaChain) -> Generator[None]:
    """Count what the block causes as a part of `chain`."""
    reset = _chain.set(chain)
    try:
        yield
    finally:
        _chain.reset(reset)


def saga_chain_of(message: Mapping[str, Any]) -> SagaChain:
    """The chain that an event's message continues in this process.

    >>> saga_chain_of({"sagaDepth": 3}).depth, saga_chain_of({}).depth
    (3, 0)
    """
    depth = message.get("sagaDepth")
    # JSON that was stored in DynamoDB comes with other kinds of numbers.
    return SagaChain(max(0, int(depth or 0)), [SAGA_COMMAND_LIMIT])
