"""What can stand in the place of, or look over the shoulder of, the buses' own delivery."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any


class ICommandPublisher(ABC):
    """Sees every command before its handler runs: `CqrsModule.for_root(command_publisher=...)`."""

    @abstractmethod
    async def publish(self, command: Any) -> None:
        """Take note of the command. An error keeps it from being carried out."""


class IQueryPublisher(ABC):
    """Sees every query before its handler runs: `CqrsModule.for_root(query_publisher=...)`."""

    @abstractmethod
    async def publish(self, query: Any) -> None:
        """Take note of the query. An error keeps it from being answered."""


class IEventPublisher(ABC):
    """Takes the events in the place of the handlers: `CqrsModule.for_root(event_publisher=...)`.

    To reach the handlers of this process as well, inject the `EventBus` and call its `deliver`.
    """

    @abstractmethod
    async def publish(self, event: Any, context: Any = None) -> Any:
        """Send one event; `context` is the aggregate it comes from. `EventBus.publish` gives the result."""

    async def publish_all(self, events: Sequence[Any], context: Any = None) -> list[Any]:
        """Send several, in order; one result for each."""
        return [await self.publish(event, context) for event in events]
