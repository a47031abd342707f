"""What the command bus and the query bus share: one handler for each message class."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from difflib import get_close_matches
from typing import Any, TypeAlias

Execute: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]


class MessageBus:
    """Finds the handler by the message's class, and by its bases where the class has none of its own."""

    kind: str
    not_found: type[Exception]

    def __init__(self) -> None:
        self._handlers: dict[type[Any], Execute] = {}
        self._inherited: dict[type[Any], Execute] = {}

    def register(self, message: type[Any], execute: Execute) -> None:
        """Make `execute` the handler of `message`, in the place of an earlier one."""
        self._handlers[message] = execute
        self._inherited.clear()

    def handled(self) -> Iterable[type[Any]]:
        """The message classes that have a handler."""
        return self._handlers.keys()

    def _dispatch(self, message: object) -> Coroutine[Any, Any, Any]:
        cls = type(message)
        handler = self._handlers.get(cls) or self._inherited.get(cls) or self._find(cls)
        return handler(message)

    def _find(self, cls: type[Any]) -> Execute:
        for base in cls.__mro__:
            if base in self._handlers:
                return self._inherited.setdefault(cls, self._handlers[base])
        raise self.not_found(self._missing(cls))

    def _missing(self, cls: type[Any]) -> str:
        names = {handled.__name__: handled for handled in self._handlers}
        text = f'No handler found for the {self.kind}: "{cls.__name__}".'
        close = get_close_matches(cls.__name__, names, 1)
        if close:
            known = names[close[0]]
            return f"{text} Did you mean {known.__qualname__} of {known.__module__}, which has one?"
        decorator = f"@{self.kind.capitalize()}Handler({cls.__name__})"
        return f"{text} Mark a class with {decorator} and list it in the providers of a module."
