"""`cqrs-nest tail` beside a service that runs, as another process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.cli.tail import Line, Statuses, lines_of
from cqrs_nest.common import Module
from cqrs_nest.cqrs import CommandInput, CommandService, CqrsModule
from cqrs_nest.events import DynamoDbStreamEvent
from cqrs_nest.local import LocalRuntime, listen
from cqrs_nest.local.running import NOTE, announce, find_running
from tests.cli.command_line import COMMAND

SECONDS = 60


@Module(imports=[CqrsModule.register(table_name="note")])
class NoteModule: ...


@pytest.fixture
async def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalRuntime]:
    monkeypatch.chdir(tmp_path)
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(
            NoteModule, listener=listener, variables={"APP_NAME": "notes"}
        ) as running:
            with announce(running.url, running.variables()):
                yield running


@asynccontextmanager
async def tail(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command until the block ends; it has begun to follow when the block begins."""
    without = ("NODE_ENV", "APP_NAME")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in without and not name.startswith("AWS_")
    }
    program = await asyncio.create_subprocess_exec(
        *(*COMMAND, "tail", *options),
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert program.stderr is not None
    try:
        async with asyncio.timeout(SECONDS):
            assert (await program.stderr.readline()).decode().startswith("following ")
        yield program
    finally:
        if program.returncode is None:
            program.kill()
        await program.communicate()


async def publish(runtime: LocalRuntime, tenant: str, sk: str) -> None:
    command = CommandInput(pk=f"NOTE#{tenant}", sk=sk, name=f"note {sk}", type="NOTE")
    await runtime.app.get(CommandService).publish_async(command)
    await runtime.drain()


async def test_commands_events_and_projections_of_a_tenant_are_shown(runtime: LocalRuntime) -> None:
    async with tail("--json", "--tenant", "ACME") as program:
        await publish(runtime, "other", "X")
        await publish(runtime, "acme", "A")
        assert program.stdout is not None
        seen: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(SECONDS):
            while len(seen) < 3:
                line = json.loads(await program.stdout.readline())
                assert (line["tenant"], line["table"], line["sk"]) == ("acme", "note", "A@1")
                seen[line["kind"]] = line
        assert seen["command"]["what"] == '"note A"'
        assert seen["event"]["what"] == "domain-event NOTE.created"
        assert seen["projection"]["what"] == "finish:FINISHED"
        program.send_signal(signal.SIGINT)
        async with asyncio.timeout(SECONDS):
            _, errors = await program.communicate()
        assert (program.returncode, errors) == (0, b"")
    queues = await runtime.session.call("sqs", "list_queues")
    assert queues["QueueUrls"] == [runtime.environment.dead_letter_queue_url]


def change(name: str, status: str | None, **row: Any) -> DynamoDbStreamEvent:
    texts = {"pk": "NOTE#acme", "sk": "A@1", "name": "milk", "createdBy": "ann", **row}
    image = {key: {"S": value} for key, value in texts.items()}
    if status:
        image["status"] = {"S": status}
    arn = "arn:aws:dynamodb:r:1:table/local-notes-note-command/stream/1"
    return DynamoDbStreamEvent(
        {"eventName": name, "dynamodb": {"Keys": {}, "NewImage": image}, "eventSourceARN": arn}
    )


def told(change: DynamoDbStreamEvent, statuses: Statuses) -> list[tuple[str, str]]:
    return [(line.kind, line.what) for line in lines_of(change, "note", statuses)]


def test_a_status_is_told_once() -> None:
    statuses = Statuses()
    assert told(change("INSERT", None), statuses) == [("command", '"milk"')]
    assert told(change("MODIFY", None), statuses) == []
    assert told(change("MODIFY", "sync_data:FAILED"), statuses) == [("projection", "sync_data:FAILED")]
    assert told(change("MODIFY", "sync_data:FAILED"), statuses) == []
    assert told(change("MODIFY", "finish:FINISHED"), statuses) == [("projection", "finish:FINISHED")]
    sync = change("INSERT", "finish:FINISHED", sk="B@1")
    assert told(sync, statuses) == [("command", '"milk"'), ("projection", "finish:FINISHED")]


def test_a_line_for_a_person() -> None:
    line = Line("2026-01-02T03:04:05.678+00:00", "command", "note", "NOTE#acme", "A@1", '"milk"', "ann")
    text = line.text()
    assert text.startswith("03:04:05.678")
    assert text.endswith('note  NOTE#acme A@1  "milk"  by ann')


def test_a_run_that_is_gone_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_running() is None
    variables: Mapping[str, str] = {"APP_NAME": "notes"}
    with announce("http://127.0.0.1:1", variables):
        running = find_running()
        assert running is not None
        assert (running.url, running.variables) == ("http://127.0.0.1:1", variables)
        note = json.loads(NOTE.read_text())
        NOTE.write_text(json.dumps({**note, "pid": 2**22 + 1}))
        assert find_running() is None
    assert not NOTE.exists()
