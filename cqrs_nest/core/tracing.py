"""`Tracing`: spans of OpenTelemetry, which is imported when the first object is made and never before."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cqrs_nest.core.errors import CqrsNestError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

SpanKind: TypeAlias = Literal["INTERNAL", "SERVER", "CLIENT", "CONSUMER"]


class TracingNotInstalledError(CqrsNestError):
    """The extra `otel` is missing."""


class Tracing:
    """Makes spans."""

    def __init__(self) -> None:
        """Raises TracingNotInstalledError without the package opentelemetry-api."""
        try:
            from opentelemetry import trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise TracingNotInstalledError(
                "Tracing needs OpenTelemetry: pip install 'cqrs-nest[otel]'"
            ) from error
        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._tracer = trace.get_tracer("cqrs_nest")

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = "INTERNAL",
        attributes: Mapping[str, Any] | None = None,
        remote: str | None = None,
    ) -> Generator[Span]:
        """Run a block in a span of its own.

        It is a child of the active span or, where there is none, of `remote`, the `traceparent` that the
        work came with. If the active span is of another trace, the new one has a link to it. A failed
        span names the class of the error, not its text, which may hold what is nobody's business.
        """
        parent = None if remote is None else self._propagator.extract({"traceparent": remote})
        origin = self._trace.get_current_span(parent).get_span_context()
        active = self._trace.get_current_span().get_span_context()
        is_foreign = active.is_valid and origin.is_valid and origin.trace_id != active.trace_id
        with self._tracer.start_as_current_span(
            name,
            None if active.is_valid else parent,
            kind=self._trace.SpanKind[kind],
            attributes=attributes,
            links=[self._trace.Link(origin)] if is_foreign else None,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                self.fail(span, type(error).__qualname__)
                raise

    def fail(self, span: Span, error: str) -> None:
        """Mark a span as failed; `error` is a class or a code, never a text."""
        span.set_attribute("error.type", error)
        span.set_status(self._trace.StatusCode.ERROR)

    def recorded(self) -> str | None:
        """The `traceparent` of the active span; None when none is being recorded."""
        carrier: dict[str, str] = {}
        if self._trace.get_current_span().is_recording():
            self._propagator.inject(carrier)
        return carrier.get("traceparent")


@dataclass(frozen=True, slots=True)
class TracingOptions:
    """Whether tracing is switched on, for all modules: what makes the spans, or None."""

    spans: Tracing | None = None
