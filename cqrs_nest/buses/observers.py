"""Those who want to know of everything that passes a bus."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

Observer: TypeAlias = Callable[[Any], Any]
"""A function of a message, sync or async; its result does not matter."""


class Observers:
    """A list of observers; false while there are none."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def __bool__(self) -> bool:
        return bool(self._observers)

    def add(self, observer: Observer) -> Callable[[], None]:
        """From now on, notify `observer`; the result ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    async def notify(self, message: object) -> None:
        """Call the observers in turn. The error of one comes through."""
        for observer in tuple(self._observers):
            result = observer(message)
            if inspect.isawaitable(result):
                await result
