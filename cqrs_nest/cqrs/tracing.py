"""OpenTelemetry spans around messages. Nothing is imported before the behaviour is used."""

from __future__ import annotations

from typing import Any

from cqrs_nest.buses import Behaviour, Command, Next, Query
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.cqrs.message_context import current_message_context


class TracingNotInstalledError(CqrsNestError):
    """The extra `otel` is missing."""


class TracingBehaviour(Behaviour):
    """A span around each command, query and event handler; `pip install 'cqrs-nest[otel]'`.

    Give it to `CqrsModule.for_root` as `command_behaviours`, `query_behaviours` and `event_behaviours`. A
    span is a child of the active one, such as that of an ASGI instrumentation, or else of the request's or
    the event's `traceparent`; events that leave the process carry it on. A failed span names the class
    of the error, not its text, which may hold what is nobody's business.
    """

    def __init__(self) -> None:
        """Raises TracingNotInstalledError without the package opentelemetry-api."""
        try:
            from opentelemetry import trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise TracingNotInstalledError(
                "TracingBehaviour needs OpenTelemetry: pip install 'cqrs-nest[otel]'"
            ) from error
        self._trace = trace
        self._extract = TraceContextTextMapPropagator().extract
        self._tracer = trace.get_tracer("cqrs_nest")

    async def handle(self, message: Any, next: Next) -> Any:
        """Run the handler in a span of its own."""
        cls: Any = message.__class__
        with self._tracer.start_as_current_span(
            f"{_kind(cls)} {cls.__name__}",
            self._parent(),
            attributes={"cqrs_nest.message": f"{cls.__module__}.{cls.__qualname__}"},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                return await next(message)
            except Exception as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(self._trace.StatusCode.ERROR)
                raise

    def _parent(self) -> Any:
        """None for the active span, or else what the request or the event brought along."""
        if self._trace.get_current_span().get_span_context().is_valid:
            return None
        traceparent = current_message_context().traceparent
        return None if traceparent is None else self._extract({"traceparent": traceparent})


def _kind(cls: type[Any]) -> str:
    if issubclass(cls, Command):
        return "command"
    return "query" if issubclass(cls, Query) else "event"
