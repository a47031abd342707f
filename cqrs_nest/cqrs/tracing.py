"""Spans around messages."""

from __future__ import annotations

from typing import Any

from cqrs_nest.buses import Behaviour, Command, Next, Query
from cqrs_nest.core.tracing import Tracing, TracingOptions
from cqrs_nest.cqrs.message_context import current_message_context


class TracingBehaviour(Behaviour):
    """A span of OpenTelemetry around each command, query and event handler; `pip install 'cqrs-nest[otel]'`.

    `CqrsModule.for_root(tracing=True)` puts it around all messages; given as `command_behaviours` and so on
    it stands alone. A span is a child of the active one, or else of the request's or the event's
    `traceparent`; events that leave the process carry it on.
    """

    def __init__(self, tracing: TracingOptions = TracingOptions()) -> None:
        """Raises TracingNotInstalledError without the package opentelemetry-api."""
        self._tracing = tracing.spans or Tracing()

    async def handle(self, message: Any, next: Next) -> Any:
        """Run the handler in a span of its own."""
        cls: Any = message.__class__
        attributes = {"cqrs_nest.message": f"{cls.__module__}.{cls.__qualname__}"}
        remote = current_message_context().traceparent
        with self._tracing.span(f"{_kind(cls)} {cls.__name__}", attributes=attributes, remote=remote):
            return await next(message)


def _kind(cls: type[Any]) -> str:
    if issubclass(cls, Command):
        return "command"
    return "query" if issubclass(cls, Query) else "event"
