"""`EventModule`: supplies `EventService` to the whole application."""

from __future__ import annotations

from cqrs_nest.common.modules import Module
from cqrs_nest.events.dispatcher import EventDispatcher
from cqrs_nest.events.factories import EventFactories
from cqrs_nest.events.service import EventService


@Module(
    providers=[EventFactories, EventDispatcher, EventService],
    exports=[EventService],
    is_global=True,
)
class EventModule:
    """Import it once; `CqrsNest.create` does so for every application."""
