"""`AggregateRoot`: an object that records what happened to it as events."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeAlias, TypeVar

from cqrs_nest.buses.event_bus import EventBus

EventT = TypeVar("EventT")
AggregateT = TypeVar("AggregateT", bound="AggregateRoot[Any]")

Publish: TypeAlias = Callable[[Sequence[Any]], Awaitable[None]]


@cache
def _handler_name(event: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", event)
    return "on_" + "_".join(words).lower()


class AggregateRoot(Generic[EventT]):
    """Base (or mixin) of an aggregate. `EventT` is the union of its events.

    `apply(TodoRenamed(...))` queues the event and calls `on_todo_renamed`, if there is one.

    >>> class Renamed:
    ...     def __init__(self, name: str) -> None:
    ...         self.name = name
    >>> class Todo(AggregateRoot[Renamed]):
    ...     name = ""
    ...     def on_renamed(self, event: Renamed) -> None:
    ...         self.name = event.name
    >>> todo = Todo()
    >>> todo.apply(Renamed("milk"))
    >>> todo.name, len(todo.get_uncommitted_events())
    ('milk', 1)
    """

    _uncommitted: list[EventT] | None = None
    _publish: Publish | None = None

    def get_uncommitted_events(self) -> list[EventT]:
        """What was applied and not yet committed, in order."""
        if self._uncommitted is None:
            self._uncommitted = []
        return self._uncommitted

    def apply(self, event: EventT, *, from_history: bool = False, skip_handler: bool = False) -> None:
        """Queue the event (unless it comes from history) and let the aggregate react to it."""
        if not from_history:
            self.get_uncommitted_events().append(event)
        handler = None if skip_handler else getattr(self, _handler_name(type(event).__name__), None)
        if handler is not None:
            handler(event)

    async def commit(self) -> None:
        """Publish the queued events in order. If that fails, they stay queued."""
        events = self.get_uncommitted_events()
        if self._publish is not None:
            await self._publish(tuple(events))
        events.clear()

    def uncommit(self) -> None:
        """Forget the queued events."""
        self.get_uncommitted_events().clear()

    def load_from_history(self, events: Iterable[EventT]) -> None:
        """React to events of the past; nothing is queued."""
        for event in events:
            self.apply(event, from_history=True)

    def publish_with(self, publish: Publish) -> None:
        """Say where `commit` sends the events."""
        self._publish = publish


class EventPublisher:
    """Connects aggregates with the event bus."""

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus

    def merge_object_context(self, aggregate: AggregateT) -> AggregateT:
        """Let this aggregate's `commit` publish on the event bus; gives the same object back."""
        aggregate.publish_with(self._event_bus.publish_all)
        return aggregate

    def merge_class_context(self, cls: type[AggregateT]) -> type[AggregateT]:
        """A subclass whose instances publish on the event bus."""
        publish = staticmethod(self._event_bus.publish_all)
        subclass: Any = type(cls.__name__, (cls,), {"_publish": publish})
        merged: type[AggregateT] = subclass
        return merged
