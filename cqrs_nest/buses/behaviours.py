"""`Behaviour`: what runs around the handler of every message."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

Execute: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]
"""A handler as a bus calls it."""

Next: TypeAlias = Callable[[Any], Awaitable[Any]]
"""What a behaviour is wrapped around: the next behaviour or the handler."""


class Behaviour(ABC):
    """Runs around the handlers of a bus: `CqrsModule.for_root(command_behaviours=[MyBehaviour])`.

    The first of a list is the outermost. A class is built by the container, with its dependencies.
    It serves all messages at once, so what belongs to one message has no place on `self`.

    >>> class Audit(Behaviour):
    ...     async def handle(self, message: Any, next: Next) -> Any:
    ...         result = await next(message)
    ...         print(f"{type(message).__name__} is done")
    ...         return result
    """

    @abstractmethod
    async def handle(self, message: Any, next: Next) -> Any:
        """Go on with `await next(message)`, not at all, or several times; gives the caller's result."""

    def applies_to(self, message: type[Any]) -> bool:
        """Whether it wants messages of this class; a no costs later messages nothing.

        Asked at start, where raising HandlerSetupError refuses the class, and at a class' first message.
        """
        return True


def surround(execute: Execute, behaviours: Sequence[Behaviour], message: type[Any]) -> Execute:
    """`execute` with the behaviours that want this class of messages around it; itself if none does."""
    for behaviour in reversed(behaviours):
        if behaviour.applies_to(message):
            execute = _around(behaviour, execute)
    return execute


def _around(behaviour: Behaviour, next: Execute) -> Execute:
    handle = behaviour.handle
    return lambda message: handle(message, next)
