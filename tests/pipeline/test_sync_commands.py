"""Commands that were applied as they were published: what the stream does for them afterwards."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.commands import CommandMessages
from cqrs_nest.pipeline import command_progress

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

BOTH = ["command-status finish:FINISHED", "domain-event"]
STARTED = {"S": "publish_sync:STARTED"}


class KilledError(BaseException):
    """Stands for the end of the process."""


def todo(name: str = "first", version: int = 0) -> dict[str, Any]:
    return {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": name, "version": version}


def told(service: Service) -> list[str]:
    """What the topic was told, in short."""
    bodies = [json.loads(message["Body"]) for message in service.world.messages("all-raw")]
    return sorted(f"{body['action']} {body.get('content', {}).get('status', '')}".strip() for body in bodies)


async def die(*args: Any, **kwargs: Any) -> None:
    raise KilledError


async def test_the_stream_sends_the_messages(service: Service) -> None:
    assert await service.commands("note").publish_sync(todo())
    record = service.record("A@1", table="note")
    assert told(service) == []
    service.calls.clear()
    assert await service.deliver(record) == []
    # The row says that its messages are due, so that they can be found should the record be lost.
    assert service.calls == ["GetItem", "PublishBatch", "UpdateItem"]
    assert told(service) == BOTH


async def test_messages_the_topic_refuses_come_again(service: Service) -> None:
    await service.commands("note").publish_sync(todo())
    record = service.record("A@1", table="note")
    with service.failing("SNS", "PublishBatch"):
        assert await service.deliver(record) == ["1001"]
    assert await service.deliver(record) == []
    assert told(service) == BOTH


@pytest.mark.parametrize("table", ["todo", "dup"])
async def test_a_publish_that_told_everybody_needs_nothing(service: Service, table: str) -> None:
    await service.commands(table).publish_sync(todo())
    await service.settle()
    assert told(service) == BOTH
    record = service.record("A@1", table=table, status=STARTED)
    assert await service.deliver(record) == []
    assert told(service) == []
    assert service.projection.seen == (["A@1"] if table == "todo" else [])


@pytest.mark.parametrize("table", ["todo", "dup"])
async def test_a_publish_that_dies_before_its_messages(
    service: Service, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CommandMessages, "try_send", die)
    with pytest.raises(KilledError):
        await service.commands(table).publish_sync(todo())
    record = service.record("A@1", table=table)
    assert told(service) == []
    assert await service.deliver(record) == []
    assert service.row("command", "A@1", table)["status"] == {"S": "finish:FINISHED"}
    assert told(service) == BOTH


async def test_a_publish_that_is_still_at_work_is_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_progress, "GRACE", timedelta(minutes=5))
    goes_on, started = asyncio.Event(), asyncio.Event()

    async def slow(*args: Any) -> None:
        started.set()
        await goes_on.wait()

    monkeypatch.setattr(service.projection, "up", slow)
    publishing = asyncio.create_task(service.commands().publish_sync(todo()))
    await started.wait()
    delivering = asyncio.create_task(service.deliver(service.record("A@1")))
    done, _ = await asyncio.wait([delivering], timeout=0.2)
    assert not done
    goes_on.set()
    assert await publishing
    assert await delivering == []
    assert told(service) == BOTH


async def test_a_failing_handler_is_tried_again_by_the_stream(service: Service) -> None:
    service.projection.failing.add("first")
    with pytest.raises(RuntimeError, match="no room"):
        await service.commands().publish_sync(todo())
    record = service.record("A@1", status=STARTED)
    assert await service.deliver(record) == ["1001"]
    assert service.status("A@1") == "sync_data:FAILED"
    assert len(service.world.messages("alarm-queue")) == 1
    assert await service.deliver(record) == ["1001"]
    assert service.world.messages("alarm-queue") == []
    service.projection.failing.clear()
    told(service)
    assert await service.deliver(record) == []
    assert service.status("A@1") == "finish:FINISHED"
    assert told(service) == BOTH
    assert await service.deliver(record) == []
    assert service.projection.seen == ["A@1"] * 4


async def test_a_late_repetition_ends_with_the_newest_version(service: Service) -> None:
    service.projection.failing.add("first")
    with pytest.raises(RuntimeError, match="no room"):
        await service.commands().publish_sync(todo())
    record = service.record("A@1", status=STARTED)
    await service.commands().publish_sync(todo("second", 1))
    service.projection.failing.clear()
    assert await service.deliver(record) == []
    assert service.projection.seen == ["A@1", "A@2", "A@1", "A@2"]


async def test_a_command_that_another_framework_never_applied_is_left_alone(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await service.publish("A", "first")
    record = service.record("A@1", syncMode={"S": "SYNC"}, status=STARTED)
    service.world.dynamodb.put_item(TableName="local-demo-todo-command", Item=record["dynamodb"]["NewImage"])
    rows = service.world.rows()
    assert await service.deliver(record) == []
    assert service.world.rows() == rows
    assert "never applied" in caplog.text


async def test_a_command_that_has_expired_is_over(service: Service) -> None:
    await service.commands().publish_sync(todo())
    record = service.record("A@1", status=STARTED)
    key = {"pk": {"S": "TODO#acme"}, "sk": {"S": "A@1"}}
    service.world.dynamodb.delete_item(TableName="local-demo-todo-command", Key=key)
    told(service)
    assert await service.deliver(record) == []
    assert told(service) == []
