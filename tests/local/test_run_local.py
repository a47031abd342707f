"""`run_local` and `LocalRuntime`, started from Python."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import MetaData

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.common import Controller, Get, Module
from cqrs_nest.cqrs import (
    CommandInput,
    CommandModel,
    CommandService,
    CqrsModule,
    DataService,
    DataSyncHandler,
)
from cqrs_nest.events import DomainEvent, EventHandler
from cqrs_nest.http import HttpOptions
from cqrs_nest.local import LocalRuntime, PortTakenError, Queue, listen, run_local
from cqrs_nest.pipeline import PipelineModule, command_progress
from cqrs_nest.read_models import SqlModule

SETTINGS = {"APP_NAME": "notes"}


@DataSyncHandler("note")
class Projection:
    """Goes on when a test lets it."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.applied: list[str] = []

    async def up(self, command: CommandModel) -> None:
        await self.goes_on.wait()
        self.applied.append(command.sk)

    async def down(self, command: CommandModel) -> None: ...


@EventHandler(DomainEvent)
class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def execute(self, event: DomainEvent) -> None:
        self.heard.append(str(event.sk))


@Controller("notes")
class NoteController:
    @Get()
    async def list(self) -> list[str]:
        return ["a"]


@Module(
    imports=[CqrsModule.register(table_name="note", data_sync_handlers=[Projection])],
    controllers=[NoteController],
    providers=[Listener],
)
class NoteModule: ...


class Missing: ...


@Controller("broken")
class BrokenController:
    def __init__(self, missing: Missing) -> None: ...


@Module(controllers=[BrokenController])
class BrokenModule: ...


@pytest.fixture
async def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalRuntime]:
    monkeypatch.chdir(tmp_path)
    queues = [Queue("listener", actions=["domain-event"])]
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(
            NoteModule, listener=listener, queues=queues, variables=SETTINGS
        ) as runtime:
            yield runtime


async def test_options_of_the_http_part_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    http = HttpOptions(global_prefix="api")
    with listen("127.0.0.1", 0) as listener:
        async with (
            LocalRuntime.start(NoteModule, http=http, listener=listener, variables=SETTINGS) as runtime,
            httpx.AsyncClient(base_url=runtime.url, trust_env=False) as client,
        ):
            assert (await client.get("/api/notes")).json() == ["a"]


async def publish(runtime: LocalRuntime, *sks: str) -> None:
    service = runtime.app.get(CommandService)
    for sk in sks:
        await service.publish_async(CommandInput(pk="NOTE#acme", sk=sk, name=sk, type="NOTE"))


async def test_requests_streams_and_queues_are_served(runtime: LocalRuntime) -> None:
    async with httpx.AsyncClient(base_url=runtime.url, trust_env=False) as client:
        assert (await client.get("/notes")).json() == ["a"]
    await publish(runtime, "A", "B")
    await runtime.drain()
    assert sorted(runtime.app.get(Projection).applied) == ["A@1", "B@1"]
    assert sorted(runtime.app.get(Listener).heard) == ["A@1", "B@1"]
    note = await runtime.app.get(DataService).get_item(pk="NOTE#acme", sk="A")
    assert note is not None
    assert note.name == "A"


@pytest.mark.parametrize("is_sync", [False, True])
async def test_messages_that_the_topic_refused_are_sent_when_it_is_back(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch, is_sync: bool
) -> None:
    monkeypatch.setattr(command_progress, "GRACE", timedelta(0))
    refused = asyncio.Event()
    loop = asyncio.get_running_loop()

    def refuse(**_: Any) -> Any:
        loop.call_soon_threadsafe(refused.set)
        return type("Answer", (), {"status_code": 400}), {"Error": {"Code": "Throttled", "Message": "no"}}

    events = runtime.app.get(AwsSession).client("sns").meta.events
    service, command = runtime.app.get(CommandService), CommandInput(pk="NOTE#acme", sk="A", name="A")
    events.register("before-call.sns", refuse)
    await (service.publish_sync(command) if is_sync else service.publish_async(command))
    await refused.wait()
    assert runtime.app.get(Listener).heard == []
    events.unregister("before-call.sns", refuse)

    await runtime.drain()
    assert set(runtime.app.get(Listener).heard) == {"A@1"}
    [row] = (await runtime.app.get(DynamoDbService).scan("local-notes-note-command")).items
    assert row["status"] == "finish:FINISHED"
    assert "messagesOwed" not in row


async def test_commands_run_through_the_state_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @Module(imports=[NoteModule, PipelineModule.for_root(driver="step-functions")])
    class Application: ...

    monkeypatch.chdir(tmp_path)
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(Application, listener=listener, variables=SETTINGS) as runtime:
            await publish(runtime, "A", "B")
            await runtime.drain()
            assert sorted(runtime.app.get(Projection).applied) == ["A@1", "B@1"]
            page = await runtime.app.get(DynamoDbService).scan("local-notes-note-command")
            assert {row["status"] for row in page.items} == {"finish:FINISHED"}


async def test_drain_names_what_is_not_worked_off(runtime: LocalRuntime) -> None:
    projection = runtime.app.get(Projection)
    projection.goes_on.clear()
    await publish(runtime, "A")
    with pytest.raises(TimeoutError, match="stream of local-notes-note-command"):
        await runtime.drain(within=0.5)
    projection.goes_on.set()
    await runtime.drain()
    assert projection.applied == ["A@1"]


async def test_nothing_is_left_for_the_next_start(runtime: LocalRuntime) -> None:
    await publish(runtime, "A")
    await runtime.drain()
    page = await runtime.app.get(DynamoDbService).scan("local-notes-note-data")
    assert [item["sk"] for item in page.items] == ["A"]


def test_a_taken_port_is_told_with_the_fix() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"Port {port} .* APP_PORT={port + 1}"):
            listen("127.0.0.1", port)


def test_a_mistake_of_the_application_is_told_without_a_stack(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_NAME", "broken")
    monkeypatch.setenv("APP_PORT", "0")
    assert run_local(BrokenModule) == 1
    errors = capsys.readouterr().err
    assert "BrokenController" in errors
    assert "Missing" in errors
    assert "Traceback" not in errors


def test_a_database_that_cannot_be_opened_is_told_without_a_stack(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @Module(imports=[SqlModule.register(MetaData(), create_tables=True)])
    class Application: ...

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_NAME", "broken")
    monkeypatch.setenv("APP_PORT", "0")
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/nowhere/todo.sqlite3")
    assert run_local(Application) == 1
    errors = capsys.readouterr().err
    assert f"{tmp_path}/nowhere/todo.sqlite3 (OperationalError: unable to open database file)" in errors
    assert "DATABASE_URL" in errors
    assert "Traceback" not in errors
