"""What can go wrong between an AWS event and its handler."""

from __future__ import annotations

from cqrs_nest.core.errors import CqrsNestError


class UnknownEventSourceError(ValueError):
    """The event looks like none of the sources that are known."""


class EventHandlerNotFoundError(LookupError):
    """Nobody handles an event: it would have been lost."""


class InvalidEventHandlerError(CqrsNestError):
    """An `@EventHandler` or `@EventFactory` class is not made as it must be; found at start."""
