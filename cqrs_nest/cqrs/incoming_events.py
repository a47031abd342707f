"""Events of other services, and of this one's own topic, on their way to the event bus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cqrs_nest.buses import EVENT, EventBus, EventTypes, context_of, saga_chain_of, within_saga_chain
from cqrs_nest.common.logger import Logger
from cqrs_nest.cqrs.message_context import acting_for
from cqrs_nest.events import EventFactory, EventHandler, SnsEvent, SqsEvent


class UndecodableEventError(ValueError):
    """The data of an event does not fit the class that its type stands for."""


class IncomingEvent:
    """The message that carries an event; see `event_message`."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"IncomingEvent(eventType={self.message.get('eventType')!r}, id={self.message.get('id')!r})"


@EventFactory()
class IncomingEventFactory:
    """Takes the messages with the attribute `action` = `event`."""

    def transform_sqs(self, record: SqsEvent) -> list[IncomingEvent] | None:
        """From a queue that subscribes to the topic."""
        return _incoming(record)

    def transform_sns(self, record: SnsEvent) -> list[IncomingEvent] | None:
        """From the topic itself."""
        return _incoming(record)


def _incoming(record: SqsEvent | SnsEvent) -> list[IncomingEvent] | None:
    return [IncomingEvent(record.json())] if record.message_attributes.get("action") == EVENT else None


@EventHandler(IncomingEvent)
class IncomingEventHandler:
    """Turns messages into the classes that handlers and sagas of this service listen to.

    A type that nobody listens to is passed over, as an event without handlers is on the bus. An error
    is raised, so that the message is delivered again.
    """

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus
        self._types = EventTypes(())
        self._logger = Logger("IncomingEvents")

    def load(self) -> None:
        """Learn what this service listens to, once its handlers are registered.

        Raises HandlerSetupError when two classes have the same `@EventType`.
        """
        self._types = EventTypes(self._event_bus.handled())

    async def execute(self, incoming: IncomingEvent) -> None:
        """Deliver the event on behalf of the request that it comes from, as the next link of its sagas.

        Raises UndecodableEventError, or the errors of handlers as an ExceptionGroup.
        """
        try:
            event = self._types.decode(incoming.message)
        except ValidationError as error:
            # Not the error's own text, which quotes the data.
            problems = ", ".join(
                f"{'.'.join(map(str, each['loc'])) or 'data'}: {each['type']}" for each in error.errors()
            )
            raise UndecodableEventError(f"{incoming!r} cannot be read: {problems}") from None
        if event is None:
            self._logger.debug("%r: nobody listens", incoming)
            return
        message = incoming.message
        chain = saga_chain_of(message)
        with acting_for(context_of(message), message_id=message.get("id")), within_saga_chain(chain):
            await self._event_bus.deliver(event, rethrow=True)
