"""The messages that go out with a command, and what happens when they cannot."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from cqrs_nest.aws import to_json
from cqrs_nest.commands import CommandModel
from cqrs_nest.commands.domain_events import MAX_ENTITY_BYTES, domain_event

PK = "TODO#acme"


def todo(version: int = 0, name: str = "milk", **properties: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": "A1", "type": "TODO", "name": name, "version": version, **properties}


class Projection:
    def __init__(self) -> None:
        self.seen: list[CommandModel] = []
        self.error: Exception | None = None

    async def up(self, command: CommandModel) -> None:
        self.seen.append(command)
        if self.error:
            raise self.error


async def test_an_async_publish_tells_of_the_event(start: Any) -> None:
    service = await start()
    await service.commands.publish_async(todo(), request_id="r1", source="here")
    (event,) = service.messages()
    assert event["action"] == "domain-event"
    assert event["id"] == f"local-test-todo-command#{PK}#A1@1"
    assert (event["eventType"], event["version"], event["tenantCode"]) == ("TODO.created", 1, "acme")
    assert (event["requestId"], event["source"], event["schemaVersion"]) == ("r1", "here", 1)
    assert event["entity"]["name"] == "milk"
    assert event["time"].endswith("Z")


async def test_a_sync_publish_tells_of_status_and_event_at_once(start: Any) -> None:
    service = await start()
    await service.commands.publish_sync(todo())
    await service.commands.publish_sync(todo(1, "bread"))
    await service.commands.publish_sync(todo(2, "bread", isDeleted=True))
    messages = service.messages()
    events = [m["eventType"] for m in messages if m["action"] == "domain-event"]
    statuses = [m["content"]["status"] for m in messages if m["action"] == "command-status"]
    assert sorted(events) == ["TODO.created", "TODO.deleted", "TODO.updated"]
    assert statuses == ["finish:FINISHED"] * 3


@pytest.mark.parametrize("handlers", [[], [Projection]])
async def test_messages_can_be_left_to_the_stream(start: Any, handlers: list[type]) -> None:
    service = await start(events="stream", data_sync_handlers=handlers)
    await service.commands.publish_async(todo())
    await service.commands.publish_sync(todo(sk="B1"))
    await service.settle()
    assert service.messages() == []
    row = service.rows("todo-command")["B1@1"]
    assert row["status"]["S"] == "finish:FINISHED"
    assert row["messagesOwed"]["BOOL"] is True


async def test_a_sync_command_says_that_it_owes_nothing_once_its_messages_are_sent(start: Any) -> None:
    service = await start()
    command = await service.commands.publish_sync(todo())
    await service.settle()
    row = service.rows("todo-command")["A1@1"]
    assert command.status == row["status"]["S"] == "finish:FINISHED"
    assert "messagesOwed" not in row


async def test_nobody_tells_of_events(start: Any) -> None:
    service = await start(events="off")
    await service.commands.publish_async(todo())
    await service.commands.publish_sync(todo(sk="B1"))
    assert [message["action"] for message in service.messages()] == ["command-status"]


async def test_an_event_of_a_large_item_refers_to_it(start: Any) -> None:
    service = await start()
    await service.commands.publish_async(todo(attributes={"text": "x" * 200_000}))
    (event,) = service.messages()
    assert event["entity"]["attributes"].startswith("s3://bucket/ddb/local-test-todo-command/")


async def test_an_event_that_is_too_large_leaves_the_entity_out(start: Any) -> None:
    service = await start(env={"attribute_limit_size": 350_000})
    await service.commands.publish_async(todo(attributes={"text": "x" * 300_000}))
    (event,) = service.messages()
    assert (event["entity"], event["sk"]) == (None, "A1@1")


@pytest.mark.parametrize(("over", "travels"), [(0, True), (1, False)])
def test_the_limit_of_an_entity_is_exact(over: int, travels: bool) -> None:
    row = {"pk": PK, "sk": "A1@1", "version": 1, "name": "é" * 90_000, "code": ""}
    row["code"] = "x" * (MAX_ENTITY_BYTES - len(to_json(row).encode()) + over)
    assert (domain_event("todo-command", row)["entity"] == row) is travels


@pytest.mark.parametrize(("how", "call"), [("sync", "sns.PublishBatch"), ("async", "sns.Publish")])
async def test_a_dead_topic_fails_no_command(
    start: Any, how: str, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = await start()
    service.fail(call)
    assert await getattr(service.commands, f"publish_{how}")(todo()) is not None
    assert service.rows("todo-command")["A1@1"]["messagesOwed"]["BOOL"] is True
    assert f"local-test-todo-command {PK} A1@1" in caplog.text


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_messages_that_are_sent_are_not_owed(start: Any, how: str) -> None:
    service = await start()
    await getattr(service.commands, f"publish_{how}")(todo())
    await service.settle()
    assert "messagesOwed" not in service.rows("todo-command")["A1@1"]


async def test_a_note_that_fails_leaves_the_messages_owed(start: Any) -> None:
    service = await start()
    service.fail("dynamodb.UpdateItem")
    assert await service.commands.publish_async(todo()) is not None
    await service.settle()
    assert service.rows("todo-command")["A1@1"]["messagesOwed"]["BOOL"] is True


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("events", ["inline", "stream"])
async def test_whatever_a_row_takes_a_message_takes(start: Any, how: str, events: str) -> None:
    service = await start(events=events)
    odd = {"big": 2**70, "digits": Decimal("0.1234567890123456789"), "blobs": {b"b", b"a"}}
    published = await getattr(service.commands, f"publish_{how}")(todo(seq=2**70, attributes=odd))
    assert published.attributes == odd
    stored = await service.commands.get_item(pk=PK, sk="A1@1")
    assert (stored.seq, stored.attributes) == (2**70, odd)
    if events == "inline":
        assert '"big":1180591620717411303424' in json.dumps(service.messages()).replace(" ", "")


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_an_input_cannot_say_how_far_its_command_is(start: Any, how: str) -> None:
    service = await start(events="off")
    claims = {"status": "finish:FINISHED", "syncMode": "SYNC", "taskToken": "x", "messagesOwed": True}
    await getattr(service.commands, f"publish_{how}")(todo(**claims))
    await service.settle()
    row = service.rows("todo-command")["A1@1"]
    assert "taskToken" not in row
    assert "messagesOwed" not in row
    assert ("status" in row, "syncMode" in row) == (how == "sync", how == "sync")


async def test_a_handler_sees_the_command_and_then_it_is_finished(start: Any) -> None:
    service = await start(data_sync_handlers=[Projection])
    command = await service.commands.publish_sync(todo())
    (seen,) = service.table.get(Projection).seen
    assert (seen.sk, seen.status) == ("A1@1", "publish_sync:STARTED")
    assert command.status == service.rows("todo-command")["A1@1"]["status"]["S"] == "finish:FINISHED"


async def test_a_failing_handler_is_noted_and_blocks_nothing(start: Any) -> None:
    service = await start(data_sync_handlers=[Projection])
    projection = service.table.get(Projection)
    projection.error = RuntimeError("rds down")
    with pytest.raises(RuntimeError, match="rds down"):
        await service.commands.publish_sync(todo())
    assert service.rows("todo-command")["A1@1"]["status"]["S"] == "publish_sync:FAILED"
    assert [m["content"]["status"] for m in service.messages()] == ["publish_sync:FAILED"]
    projection.error = None
    assert (await service.commands.publish_sync(todo(1, "bread"))).version == 2


async def test_a_status_that_cannot_be_noted_does_not_hide_the_error(start: Any) -> None:
    service = await start(data_sync_handlers=[Projection])
    service.table.get(Projection).error = RuntimeError("rds down")
    service.fail("dynamodb.UpdateItem")
    with pytest.raises(RuntimeError, match="rds down"):
        await service.commands.publish_sync(todo())


async def test_a_status_of_no_command_makes_no_row(service: Any) -> None:
    with pytest.raises(Exception, match="conditional request failed"):
        await service.commands.update_status(pk=PK, sk="ghost@1", status="finish:FINISHED")
    assert service.rows("todo-command") == {}
    assert service.messages() == []


async def test_a_task_token_of_no_command_makes_no_row(service: Any) -> None:
    with pytest.raises(Exception, match="conditional request failed"):
        await service.commands.update_task_token(pk=PK, sk="ghost@1", token="t")
    assert service.rows("todo-command") == {}


async def test_re_sync_gives_every_item_to_the_handlers(start: Any) -> None:
    service = await start(data_sync_handlers=[Projection])
    for n in range(3):
        await service.commands.publish_sync(todo(sk=f"S{n}"))
    projection = service.table.get(Projection)
    projection.seen.clear()
    await service.commands.re_sync_data()
    assert sorted(command.sk for command in projection.seen) == ["S0@1", "S1@1", "S2@1"]
