"""Where the errors of event handlers and sagas go."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from cqrs_nest.common.logger import Logger
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE


@dataclass(frozen=True, slots=True)
class UnhandledExceptionInfo:
    """An error and the event or command that it came from."""

    cause: object
    exception: Exception
    source: str
    """The handler, as `Class` or `Class.method`."""


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule to the imports of {module}")
class UnhandledExceptionBus:
    """Tells everybody who subscribed about errors that reached nobody's `await`; each is logged as well."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[UnhandledExceptionInfo], object]] = []
        self._logger = Logger("UnhandledExceptionBus")

    def subscribe(
        self, subscriber: Callable[[UnhandledExceptionInfo], object], *exceptions: type[Exception]
    ) -> Callable[[], None]:
        """Call `subscriber` for these kinds of exceptions, or for all; the result ends the subscription.

        Raises TypeError for an async function: nobody would wait for it.
        """
        if inspect.iscoroutinefunction(subscriber):
            raise TypeError(f"{subscriber!r} is async; subscribe a function that starts or queues the work")

        def notify(info: UnhandledExceptionInfo) -> None:
            if not exceptions or isinstance(info.exception, exceptions):
                subscriber(info)

        self._subscribers.append(notify)
        return lambda: self._subscribers.remove(notify)

    def publish(self, info: UnhandledExceptionInfo) -> None:
        """Log the error and tell the subscribers. A failing subscriber is logged and stops nobody."""
        self._logger.error("%s failed on %s", info.source, type(info.cause).__name__, error=info.exception)
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(info)
            except Exception as error:  # noqa: BLE001 there is nobody left to tell
                self._logger.error("a subscriber failed on %s", info.source, error=error)
