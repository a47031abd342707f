"""What the command bus and the query bus share: one handler for each message class."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from cqrs_nest.buses.behaviours import Behaviour, Execute, surround
from cqrs_nest.buses.observers import Observer, Observers


class MessageBus:
    """Finds the handler by the message's class, and by its bases where the class has none of its own."""

    kind: str
    not_found: type[Exception]

    def __init__(self) -> None:
        self._handlers: dict[type[Any], Execute] = {}
        self._behaviours: tuple[Behaviour, ...] = ()
        self._observers = Observers()
        self._compiled: dict[type[Any], Execute] = {}
        """By the class that was sent: its handler with everything around it."""

    def register(self, message: type[Any], execute: Execute) -> None:
        """Make `execute` the handler of `message`, in the place of an earlier one."""
        self._handlers[message] = execute
        self._compiled.clear()

    def use(self, *behaviours: Behaviour) -> None:
        """Put behaviours around every handler, inside of those that are there."""
        self._behaviours += behaviours
        self._compiled.clear()

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Show every message to `observer` before its handler runs; the result ends the subscription.

        An error of the observer reaches whoever sent the message, and the handler does not run.
        """
        self._compiled.clear()
        return self._observers.add(observer)

    def check(self, message: type[Any]) -> None:
        """Raises what a behaviour's `applies_to` has against a class of messages."""
        for behaviour in self._behaviours:
            behaviour.applies_to(message)

    def _compile(self, cls: type[Any]) -> Execute:
        for base in cls.__mro__:
            if base in self._handlers:
                execute = surround(self._handlers[base], self._behaviours, cls)
                if self._observers:
                    execute = self._observed(execute)
                return self._compiled.setdefault(cls, execute)
        raise self.not_found(self._missing(cls))

    def _observed(self, execute: Execute) -> Execute:
        async def run(message: Any) -> Any:
            await self._observers.notify(message)
            return await execute(message)

        return run

    def _missing(self, cls: type[Any]) -> str:
        text = f'No handler found for the {self.kind}: "{cls.__name__}".'
        if issubclass(cls, type):
            return f"{text} What was sent is a class: make an object of it, TheClass(...)."
        if not self._handlers:
            return (
                f"{text} No handler is known yet: they are connected after on_module_init, in "
                "on_application_bootstrap of CqrsModule."
            )
        names = {handled.__name__: handled for handled in self._handlers}
        close = get_close_matches(cls.__name__, names, 1)
        if close:
            known = names[close[0]]
            handler = getattr(self._handlers[known], "__qualname__", "a handler")
            return f"{text} Did you mean {known.__qualname__} of {known.__module__}? {handler} handles it."
        decorator = f"@{self.kind.capitalize()}Handler({cls.__name__})"
        return f"{text} Mark a class with {decorator} and list it in the providers of a module."
