"""`AggregateRoot`: an object that records what happened to it as events."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from cqrs_nest.buses.event_bus import EventBus
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE

EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")
AggregateT = TypeVar("AggregateT", bound="AggregateRoot[Any]")


@cache
def _handler_name(event: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", event)
    return "on_" + "_".join(words).lower()


class AggregateRoot(Generic[EventT]):
    """Base, or mixin, of an aggregate. `EventT` is the union of its events.

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

    # All on the class, so that a mixin needs no constructor.
    _uncommitted: list[EventT] | None = None
    _event_bus: EventBus | None = None
    auto_commit = False  # without an annotation, which a pydantic model would take for a field
    """True: `apply` publishes at once, in the background of the event bus, and queues nothing."""

    def get_uncommitted_events(self) -> list[EventT]:
        """What was applied and not yet committed, in order."""
        if self._uncommitted is None:
            self._uncommitted = []
        return self._uncommitted

    def apply(self, event: EventT, *, from_history: bool = False, skip_handler: bool = False) -> None:
        """Queue the event (unless it comes from history) and let the aggregate react to it."""
        if not from_history:
            self._record(event)
        handler = None if skip_handler else getattr(self, _handler_name(type(event).__name__), None)
        if handler is not None:
            handler(event)

    async def commit(self) -> None:
        """Publish the queued events in order. If that fails, they stay queued."""
        await self.commit_with(self._publish_all)

    async def commit_with(self, save: Callable[[Sequence[EventT]], Awaitable[ResultT]]) -> ResultT:
        """Hand the queued events to `save` and give its result. If it fails, they stay queued.

        command = await todo.commit_with(
            lambda events: command_service.publish_async(CommandInput(..., domain_events=events))
        )
        """
        events = self.get_uncommitted_events()
        # Taken out before the wait: another commit, or an event applied meanwhile, must not meet them.
        committed = tuple(events)
        events.clear()
        try:
            return await save(committed)
        except BaseException:
            events[:0] = committed
            raise

    def uncommit(self) -> None:
        """Forget the queued events."""
        self.get_uncommitted_events().clear()

    def load_from_history(self, events: Iterable[EventT]) -> None:
        """React to events of the past; nothing is queued."""
        for event in events:
            self.apply(event, from_history=True)

    def publish_with(self, event_bus: EventBus) -> None:
        """Say where `commit` sends the events."""
        self._event_bus = event_bus

    def _record(self, event: EventT) -> None:
        if self.auto_commit and self._event_bus is not None:
            self._event_bus.publish_soon(event, self)
        else:
            self.get_uncommitted_events().append(event)

    async def _publish_all(self, events: Sequence[EventT]) -> None:
        if self._event_bus is not None:
            await self._event_bus.publish_all(events, self)


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule to the imports of {module}")
class EventPublisher:
    """Connects aggregates with the event bus."""

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus

    def merge_object_context(self, aggregate: AggregateT) -> AggregateT:
        """Let this aggregate publish on the event bus; gives the same object back."""
        aggregate.publish_with(self._event_bus)
        return aggregate

    def merge_class_context(self, cls: type[AggregateT]) -> type[AggregateT]:
        """A subclass whose instances publish on the event bus."""
        subclass: Any = type(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__})
        subclass._event_bus = self._event_bus
        merged: type[AggregateT] = subclass
        return merged
