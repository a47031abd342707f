"""One trace leads from a request to everything that comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cqrs_nest.aws import AwsSession
from cqrs_nest.common import Module
from cqrs_nest.cqrs import CqrsModule
from cqrs_nest.local import LocalRuntime, listen
from sample_app.main_module import MainModule
from sample_app.settings import Settings

TRACE_ID, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE_ID}-{CALLER}-01"}
QUEUE = "todo-activity-queue"
COMMAND_TABLE = "local-todo-todo-command"


@Module(imports=[CqrsModule.for_root(tracing=True), MainModule])
class TracedModule: ...


async def running(root: type[Any], directory: Path) -> AsyncIterator[LocalRuntime]:
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(
            root,
            env=Settings,
            listener=listener,
            variables={"DATABASE_URL": f"sqlite+aiosqlite:///{directory}/todos.sqlite3"},
        ) as runtime:
            yield runtime


@pytest.fixture
async def traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter
) -> AsyncIterator[LocalRuntime]:
    monkeypatch.chdir(tmp_path)
    async for runtime in running(TracedModule, tmp_path):
        spans.clear()  # the start looks at the tables
        yield runtime


@pytest.fixture
async def untraced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter
) -> AsyncIterator[LocalRuntime]:
    monkeypatch.chdir(tmp_path)
    async for runtime in running(MainModule, tmp_path):
        yield runtime


async def request(runtime: LocalRuntime, method: str, path: str, body: Any = None) -> httpx.Response:
    token = runtime.token(user="alice", tenant="acme")
    async with httpx.AsyncClient(base_url=runtime.url) as client:
        return await client.request(
            method, path, json=body, headers={**HEADERS, "authorization": f"Bearer {token}"}
        )


def rows(runtime: LocalRuntime, table: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = runtime.session.client("dynamodb").scan(TableName=table)["Items"]
    return items


def one(spans: Iterable[ReadableSpan], name: str, parent: ReadableSpan | None = None) -> ReadableSpan:
    """The one span of a name, below `parent` if it is given."""
    spans = list(spans)
    found = [
        span for span in spans if span.name == name and (parent is None or parent_of(span) == id_of(parent))
    ]
    assert len(found) == 1, (name, [(span.name, parent_of(span)) for span in spans])
    return found[0]


def id_of(span: ReadableSpan) -> str:
    return f"{span.get_span_context().span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


async def test_one_trace_from_the_request_to_the_activity_log(
    traced: LocalRuntime, spans: InMemorySpanExporter
) -> None:
    answer = await request(traced, "POST", "/api/todo", {"name": "secret milk"})
    assert answer.status_code == 201, answer.text
    assert "traceparent" not in answer.json()
    await traced.drain()

    found = spans.get_finished_spans()
    assert {f"{span.get_span_context().trace_id:032x}" for span in found} == {TRACE_ID}

    server = one(found, "POST /api/todo")
    assert (server.kind, parent_of(server)) == (SpanKind.SERVER, CALLER)
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/todo",
        "http.response.status_code": 201,
    }
    command = one(found, "command CreateTodoCommand", server)
    put = one(found, "dynamodb.transact_write_items", command)
    assert put.kind is SpanKind.CLIENT
    assert put.attributes is not None
    assert put.attributes["aws.dynamodb.table_names"] == (COMMAND_TABLE, "local-todo-todo-data")

    stream = one(found, f"process {COMMAND_TABLE}", command)
    assert stream.kind is SpanKind.CONSUMER
    assert one(found, "projection TodoProjection", stream)
    assert one(found, "dynamodb.transact_write_items", stream)
    assert one(found, f"process {QUEUE}", command)

    told = "".join(span.to_json() for span in found)
    for value in ("secret milk", "TODO#acme", answer.json()["sk"].split("@")[0]):
        assert value not in told


async def test_the_trace_stands_on_the_command_row_only(
    traced: LocalRuntime, spans: InMemorySpanExporter
) -> None:
    created = (await request(traced, "POST", "/api/todo", {"name": "milk"})).json()
    await traced.drain()
    data = rows(traced, "local-todo-todo-data")[0]
    path = f"/api/todo/{data['pk']['S'].replace('#', '%23')}/{data['sk']['S']}"
    changed = await request(traced, "PATCH", path, {"name": "bread", "version": 1})
    assert changed.status_code == 200, (created, changed.text)
    await traced.drain()

    commands = rows(traced, COMMAND_TABLE)
    contexts = [row["traceparent"]["S"] for row in commands]
    assert len(set(contexts)) == len(commands) == 2
    assert all(context.startswith(f"00-{TRACE_ID}-") for context in contexts)
    written = {id_of(span) for span in spans.get_finished_spans() if span.name.startswith("command ")}
    assert {context.split("-")[2] for context in contexts} == written
    for table in ("data", "history"):
        assert all("traceparent" not in row for row in rows(traced, f"local-todo-todo-{table}"))


async def test_failures_have_a_status_and_no_text(traced: LocalRuntime, spans: InMemorySpanExporter) -> None:
    missing = await request(traced, "GET", "/api/nowhere")
    assert missing.status_code == 404
    unknown = one(spans.get_finished_spans(), "GET")
    assert unknown.status.status_code is StatusCode.UNSET
    spans.clear()

    await asyncio.to_thread(
        traced.app.get(AwsSession).client("dynamodb").delete_table, TableName="local-todo-todo-data"
    )
    broken = await request(traced, "POST", "/api/todo", {"name": "milk"})
    assert broken.status_code == 500
    found = spans.get_finished_spans()
    server = one(found, "POST /api/todo")
    assert server.status.status_code is StatusCode.ERROR
    assert server.attributes is not None
    assert server.attributes["error.type"] == "500"
    call = one(found, "dynamodb.transact_write_items")
    assert call.status.status_code is StatusCode.ERROR
    assert call.status.description is None
    assert not call.events


async def test_nothing_is_traced_unless_switched_on(
    untraced: LocalRuntime, spans: InMemorySpanExporter
) -> None:
    assert (await request(untraced, "POST", "/api/todo", {"name": "milk"})).status_code == 201
    await untraced.drain()
    assert not spans.get_finished_spans()
    assert all("traceparent" not in row for row in rows(untraced, COMMAND_TABLE))
