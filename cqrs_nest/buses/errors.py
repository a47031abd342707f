"""What can go wrong on the buses."""

from __future__ import annotations

from cqrs_nest.core.errors import CqrsNestError


class HandlerSetupError(CqrsNestError):
    """A handler is declared wrongly. Raised at start, before the first request."""


class CommandHandlerNotFoundException(Exception):
    """Nobody carries out the command."""


class QueryHandlerNotFoundException(Exception):
    """Nobody answers the query."""


class SagaLoopError(Exception):
    """Sagas and commands keep triggering each other."""


class EventBusClosedError(RuntimeError):
    """An event was published in the background of an application that has closed."""


class UnfinishedEventsError(TimeoutError):
    """What was published in the background took longer than the application waits for it."""
