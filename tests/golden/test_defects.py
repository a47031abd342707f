"""The recorded faults of the TypeScript framework, each with the right outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.commands import (
    CommandModel,
    CommandService,
    CommandTableRegistry,
    DataService,
    RegisteredTable,
    VersionConflictException,
)
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule
from cqrs_nest.core import Container
from cqrs_nest.events import EventModule, EventService
from cqrs_nest.pipeline import PipelineModule, command_progress
from tests.emulated_aws import emulated_aws
from tests.golden.recorded_app import MainModule, probe
from tests.golden.world import World, environment

PK = "TODO#tenant01"
ARN = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/local-demo-todo-command/stream/1"


class App:
    """The recorded application, with the stream's driver."""

    def __init__(self, container: Container) -> None:
        self.world = World(container.get(AwsSession))
        self._container = container

    def table(self, name: str = "todo") -> RegisteredTable:
        entry = self._container.get(CommandTableRegistry).table(name)
        assert entry is not None
        return entry

    @property
    def commands(self) -> CommandService:
        return self.table().get(CommandService)

    async def row(self, kind: str, sk: str) -> dict[str, Any] | None:
        await self.table().get(PublishNotes).drain()
        return self.world.rows().get((f"local-demo-todo-{kind}", PK, sk))

    async def deliver(self, sk: str) -> Any:
        """Deliver the stream record of a command as it is now."""
        row = await self.row("command", sk)
        assert row is not None
        key = {"pk": row["pk"], "sk": row["sk"]}
        change = {"Keys": key, "NewImage": row, "SequenceNumber": "1"}
        record = {"eventID": "e", "eventName": "INSERT", "eventSource": "aws:dynamodb"}
        event = {"Records": [{**record, "dynamodb": change, "eventSourceARN": ARN}]}
        answer = await self._container.get(EventService).handle(event)
        return answer["batchItemFailures"]

    @contextmanager
    def failing(self, service: str, operation: str) -> Iterator[None]:
        call = {
            "service": service,
            "op": operation,
            "target": "",
            "ok": False,
            "error": "InternalServerError",
        }
        with self.world.faults([call]):
            yield


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    @Module(imports=[AwsModule, EventModule, PipelineModule, MainModule])
    class Root: ...

    monkeypatch.setattr(command_progress, "GRACE", timedelta(0))
    probe.reset()
    with emulated_aws():
        root = DynamicModule(Root, imports=[ConfigModule.for_root(environment({}))])
        container = await Container.create(root)
        await container.initialize()
        yield App(container)
        await container.close()
    probe.reset()


def todo(version: int = 0, name: str = "first", **more: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": "A1", "id": f"{PK}#A1", "name": name, "version": version, **more}


async def test_d01_a_failing_handler_is_recorded_and_tried_again(app: App) -> None:
    await app.commands.publish_sync(todo())
    probe.fail = RuntimeError("rds down")
    with pytest.raises(RuntimeError, match="rds down"):
        await app.commands.publish_sync(todo(1, "second"))
    row = await app.row("command", "A1@2")
    assert row is not None
    assert row["status"] == {"S": "publish_sync:FAILED"}
    probe.fail = None
    assert await app.deliver("A1@2") == []
    row = await app.row("command", "A1@2")
    assert row is not None
    assert row["status"] == {"S": "finish:FINISHED"}
    assert [call["cmd"]["sk"] for call in probe.calls] == ["A1@1", "A1@2", "A1@2"]


@pytest.mark.parametrize("before", [0, 1])
async def test_d02_d03_a_failed_write_leaves_nothing_and_blocks_nothing(app: App, before: int) -> None:
    if before:
        await app.commands.publish_sync(todo(name="there"))
    with app.failing("DynamoDB", "TransactWriteItems"), pytest.raises(Exception, match="injected"):
        await app.commands.publish_sync(todo(before, "lost"))
    assert await app.row("command", f"A1@{before + 1}") is None
    command = await app.commands.publish_sync(todo(before, "second"))
    assert command is not None
    assert command.version == before + 1


async def test_d04_a_dead_topic_fails_no_command(app: App) -> None:
    with app.failing("SNS", "Publish"):
        assert await app.commands.publish_sync(todo()) is not None
    assert app.world.messages("all-raw") == []
    assert await app.deliver("A1@1") == []
    assert len(app.world.messages("all-raw")) == 1


async def test_d05_of_many_publishes_one_wins_and_the_others_know(app: App) -> None:
    publishes = [app.commands.publish_sync(todo(name=f"by {n}")) for n in range(16)]
    results = await asyncio.gather(*publishes, return_exceptions=True)
    (winner,) = [result for result in results if isinstance(result, CommandModel)]
    assert sum(isinstance(result, VersionConflictException) for result in results) == 15
    data = await app.table().get(DataService).get_item(pk=PK, sk="A1")
    assert data is not None
    assert (data.version, data.name) == (1, winner.name)


async def test_d10_a_property_of_any_name_is_only_data(app: App) -> None:
    await app.commands.publish_sync(todo(attributes={"a": 1}))
    changes = {"pk": PK, "sk": "A1", "version": 1, "attributes": {"__proto__": {"polluted": True}}}
    command = await app.commands.publish_partial_update_sync(changes)
    assert command is not None
    assert command.attributes == {"a": 1, "__proto__": {"polluted": True}}
    assert not hasattr({}, "polluted")


async def test_d12_a_handler_that_is_registered_twice_runs_once(app: App) -> None:
    await app.table("dup").get(CommandService).publish_sync(todo())
    assert [call["sk"] for call in probe.calls] == ["A1@1"]


async def test_d13_a_status_of_no_command_makes_no_row(app: App) -> None:
    with pytest.raises(Exception, match="conditional request failed"):
        await app.commands.update_status(pk=PK, sk="ghost@1", status="finish:FINISHED")
    assert app.world.rows() == {}
    assert app.world.messages("all-raw") == []


async def test_d14_a_failure_that_cannot_be_noted_shows_itself(app: App) -> None:
    probe.fail = RuntimeError("rds down")
    with app.failing("DynamoDB", "UpdateItem"), pytest.raises(RuntimeError, match="rds down"):
        await app.commands.publish_sync(todo())
    probe.fail = None
    assert await app.deliver("A1@1") == []
    row = await app.row("command", "A1@1")
    assert row is not None
    assert row["status"] == {"S": "finish:FINISHED"}


async def test_d18_a_failed_projection_holds_back_but_loses_nothing(app: App) -> None:
    await app.commands.publish_async(todo())
    with app.failing("DynamoDB", "TransactWriteItems"):
        assert await app.deliver("A1@1") != []
    assert await app.row("data", "A1") is None
    assert await app.deliver("A1@1") == []
    command = await app.commands.publish_sync(todo(1, "second"))
    assert command is not None
    assert command.version == 2
