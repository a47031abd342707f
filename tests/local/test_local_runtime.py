"""A service on embedded AWS in this process: its server, streams and queues."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.cqrs import CommandInput, CommandService, DataService
from cqrs_nest.local import LocalRuntime, Queue, listen
from cqrs_nest.pipeline import command_progress
from tests.local.notes import SETTINGS, Listener, NoteModule, Projection, publish

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runtime(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalRuntime]:
    """One service for all tests; each writes items of its own."""
    queues = [Queue("listener", actions=["domain-event"])]
    with pytest.MonkeyPatch.context() as patch, listen("127.0.0.1", 0) as listener:
        patch.chdir(tmp_path_factory.mktemp("service"))
        async with LocalRuntime.start(
            NoteModule, listener=listener, queues=queues, variables=SETTINGS
        ) as runtime:
            yield runtime


async def test_requests_streams_and_queues_are_served(runtime: LocalRuntime) -> None:
    async with httpx.AsyncClient(base_url=runtime.url, trust_env=False) as client:
        assert (await client.get("/notes")).json() == ["a"]
    await publish(runtime, "A", "B")
    await runtime.drain()
    assert {"A@1", "B@1"} <= set(runtime.app.get(Projection).applied)
    assert {"A@1", "B@1"} <= set(runtime.app.get(Listener).heard)
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
    sk = f"refused-{is_sync}"
    service, command = runtime.app.get(CommandService), CommandInput(pk="NOTE#acme", sk=sk, name="A")
    events.register("before-call.sns", refuse)
    await (service.publish_sync(command) if is_sync else service.publish_async(command))
    await refused.wait()
    assert f"{sk}@1" not in runtime.app.get(Listener).heard
    events.unregister("before-call.sns", refuse)

    await runtime.drain()
    assert f"{sk}@1" in runtime.app.get(Listener).heard
    key = {"pk": "NOTE#acme", "sk": f"{sk}@1"}
    row = await runtime.app.get(DynamoDbService).get_item("local-notes-note-command", key)
    assert row is not None
    assert row["status"] == "finish:FINISHED"
    assert "messagesOwed" not in row


async def test_drain_names_what_is_not_worked_off(runtime: LocalRuntime) -> None:
    projection = runtime.app.get(Projection)
    projection.goes_on.clear()
    await publish(runtime, "slow")
    with pytest.raises(TimeoutError, match="stream of local-notes-note-command"):
        await runtime.drain(within=0.05)
    projection.goes_on.set()
    await runtime.drain()
    assert "slow@1" in projection.applied
