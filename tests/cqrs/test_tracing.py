"""Spans around messages, joined to the caller's trace and across the topic."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cqrs_nest.aws import AwsSession
from cqrs_nest.context import Invoke, current_invoke
from cqrs_nest.core.tracing import Tracing
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CommandInput,
    CommandModel,
    CommandService,
    CqrsModule,
    DataSyncHandler,
    EventBus,
    EventsHandler,
    EventType,
    ICommandHandler,
    IEventHandler,
    IQueryHandler,
    Query,
    QueryBus,
    QueryHandler,
    SnsEventPublisher,
    TracingBehaviour,
)

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@EventType("todo.created")
@dataclass(frozen=True)
class Created:
    name: str


@dataclass(frozen=True)
class Create(Command[None]):
    name: str


class Ask(Query[str]): ...


@CommandHandler(Create)
class CreateHandler(ICommandHandler[Create, None]):
    def __init__(self, events: EventBus) -> None:
        self._events = events

    async def execute(self, command: Create) -> None:
        if command.name == "bad":
            raise ValueError("secret")
        await self._events.publish(Created(command.name))


@QueryHandler(Ask)
class AskHandler(IQueryHandler[Ask, str]):
    async def execute(self, query: Ask) -> str:
        return "answer"


@EventsHandler(Created)
class CreatedHandler(IEventHandler[Created]):
    async def handle(self, event: Created) -> None: ...


@DataSyncHandler("todo")
class Projection:
    async def up(self, command: CommandModel) -> None: ...

    async def down(self, command: CommandModel) -> None: ...


@pytest.fixture
async def service(start: Any, spans: InMemorySpanExporter) -> Any:
    tracing = [TracingBehaviour]
    root = CqrsModule.for_root(
        command_behaviours=tracing,
        query_behaviours=tracing,
        event_behaviours=tracing,
        event_publisher=SnsEventPublisher,
    )
    return await start(CreateHandler, AskHandler, CreatedHandler, root=root)


def finished(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def trace_of(span: ReadableSpan) -> str:
    return f"{span.get_span_context().trace_id:032x}"


def parent_of(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


async def test_a_trace_leads_from_the_request_over_the_topic_to_the_handler(
    service: Any, spans: InMemorySpanExporter, alice: Invoke
) -> None:
    token = current_invoke.set(alice)
    await service.module.get(CommandBus).execute(Create("milk"))
    current_invoke.reset(token)
    assert not (await service.consume(service.receive())).failures

    found = finished(spans)
    command, event = found["command Create"], found["event Created"]
    assert (trace_of(command), parent_of(command)) == (TRACE_ID, SPAN_ID)
    assert trace_of(event) == TRACE_ID
    assert parent_of(event) == f"{command.get_span_context().span_id:016x}"
    assert command.attributes == {"cqrs_nest.message": f"{__name__}.Create"}


async def test_work_of_the_system_is_joined_as_well(service: Any, spans: InMemorySpanExporter) -> None:
    await service.module.get(CommandBus).execute(Create("milk"))
    assert not (await service.consume(service.receive())).failures
    found = finished(spans)
    assert parent_of(found["command Create"]) is None
    assert trace_of(found["event Created"]) == trace_of(found["command Create"])


async def test_the_active_span_is_the_parent(
    service: Any, spans: InMemorySpanExporter, alice: Invoke
) -> None:
    token = current_invoke.set(alice)
    with trace.get_tracer("http").start_as_current_span("GET") as request:
        assert await service.module.get(QueryBus).execute(Ask()) == "answer"
    current_invoke.reset(token)
    query = finished(spans)["query Ask"]
    assert query.parent == request.get_span_context()


async def test_a_failure_names_the_class_of_the_error_and_nothing_else(
    service: Any, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(ValueError, match="secret"):
        await service.module.get(CommandBus).execute(Create("bad"))
    span = finished(spans)["command Create"]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    assert "secret" not in span.to_json()


async def test_saved_events_carry_the_active_trace(service: Any, spans: InMemorySpanExporter) -> None:
    with trace.get_tracer("job").start_as_current_span("job") as job:
        await service.module.get(CommandService).publish_async(
            CommandInput(pk="TODO#acme", sk="A1", domain_events=[Created("milk")])
        )
    assert not (await service.consume(service.receive())).failures
    assert finished(spans)["event Created"].parent == _remote(job)


def _remote(span: trace.Span) -> trace.SpanContext:
    context = span.get_span_context()
    return trace.SpanContext(context.trace_id, context.span_id, True, context.trace_flags)


async def test_calls_of_aws_see_the_span_that_they_belong_to(service: Any) -> None:
    session = service.module.get(AwsSession)
    with trace.get_tracer("job").start_as_current_span("job") as job:
        assert await session.run(trace.get_current_span) is job


def test_without_the_extra_nothing_is_imported() -> None:
    code = (
        "import sys, cqrs_nest.cqrs as cqrs\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)\n"
        "sys.modules['opentelemetry'] = None\n"
        "assert cqrs.current_message_context().traceparent is None\n"
        "try:\n    cqrs.TracingBehaviour()\n"
        "except Exception as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "Tracing needs OpenTelemetry: pip install 'cqrs-nest[otel]'\n"


@pytest.fixture
async def traced(start: Any, spans: InMemorySpanExporter) -> Any:
    root = CqrsModule.for_root(tracing=True)
    return await start(CreateHandler, CreatedHandler, Projection, root=root)


def rows_by_key(service: Any) -> dict[str, Any]:
    return {row["sk"]["S"]: row for row in service.rows("todo-command")}


async def test_a_row_names_its_own_span_and_no_earlier_one(traced: Any) -> None:
    commands = traced.module.get(CommandService)
    with trace.get_tracer("job").start_as_current_span("job") as job:
        first = await commands.publish_sync(CommandInput(pk="TODO#acme", sk="A1", name="milk"))
    assert first.model_extra == {}
    changes = {"pk": "TODO#acme", "sk": "A1", "name": "bread", "version": 1}
    await commands.publish_partial_update_sync(changes)
    await commands.publish_partial_update_async({**changes, "name": "salt", "version": 2})
    rows = rows_by_key(traced)
    context = job.get_span_context()
    assert (
        rows["A1@1"]["traceparent"]["S"]
        == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    )
    assert "traceparent" not in rows["A1@2"]
    assert "traceparent" not in rows["A1@3"]
    assert (await commands.get_item(pk="TODO#acme", sk="A1@1")).model_extra == {}


async def test_a_synchronous_publish_runs_its_projections_in_spans(
    traced: Any, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("job").start_as_current_span("job") as job:
        await traced.module.get(CommandService).publish_sync(CommandInput(pk="TODO#acme", sk="A1", name="x"))
    span = finished(spans)["projection Projection"]
    assert span.parent == job.get_span_context()
    assert span.attributes == {"cqrs_nest.table": "todo"}


def test_a_trace_that_meets_another_one_becomes_a_link(spans: InMemorySpanExporter, alice: Invoke) -> None:
    remote = alice.headers["traceparent"]
    with trace.get_tracer("lambda").start_as_current_span("other"), Tracing().span("work", remote=remote):
        pass
    found = finished(spans)
    assert trace_of(found["work"]) == trace_of(found["other"])
    (link,) = found["work"].links
    assert f"{link.context.trace_id:032x}" == TRACE_ID
