"""How many calls to AWS the operations make."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.commands import CommandModel
from cqrs_nest.commands.keys import add_sort_key_version

PK = "TODO#acme"
GET, PUT, WRITE, UPDATE = (
    f"dynamodb.{name}" for name in ("GetItem", "PutItem", "TransactWriteItems", "UpdateItem")
)
BATCH = "dynamodb.BatchGetItem"


def todo(version: int = 0, name: str = "milk", sk: str = "A1") -> dict[str, Any]:
    return {"pk": PK, "sk": sk, "id": f"{PK}#{sk}", "name": name, "version": version}


class Projection:
    async def up(self, command: CommandModel) -> None: ...


async def warm(service: Any) -> None:
    """Let the TTL configurations be read, which are kept for a minute."""
    await service.commands.publish_sync(todo(sk="W"))
    await service.commands.publish_sync(todo(1, "x", sk="W"))
    await service.settle()
    service.calls.clear()


async def counted(service: Any, published: Any) -> list[str]:
    service.calls.clear()
    assert await published is not None
    await service.settle()
    return list(service.calls)


@pytest.mark.parametrize(
    ("events", "message"), [("stream", []), ("off", []), ("inline", ["sns.Publish", UPDATE])]
)
async def test_async(start: Any, events: str, message: list[str]) -> None:
    """The update follows the answer: it notes that the event is not owed any more."""
    service = await start(events=events)
    await warm(service)
    assert await counted(service, service.commands.publish_async(todo())) == [WRITE, *message]
    assert await counted(service, service.commands.publish_async(todo(1, "x"))) == [GET, PUT, *message]
    partial = service.commands.publish_partial_update_async(todo(2, "y"))
    assert await counted(service, partial) == [GET, PUT, *message]


@pytest.mark.parametrize(
    ("events", "message"),
    [("stream", []), ("off", ["sns.Publish", UPDATE]), ("inline", ["sns.PublishBatch", UPDATE])],
)
async def test_sync(start: Any, events: str, message: list[str]) -> None:
    """The update follows the answer: it notes that the messages are not owed any more."""
    service = await start(events=events)
    await warm(service)
    assert await counted(service, service.commands.publish_sync(todo())) == [GET, WRITE, *message]
    assert await counted(service, service.commands.publish_sync(todo(1, "x"))) == [GET, WRITE, *message]
    partial = service.commands.publish_partial_update_sync(todo(2, "y"))
    assert await counted(service, partial) == [GET, WRITE, *message]


@pytest.mark.parametrize(("events", "message"), [("stream", []), ("inline", ["sns.PublishBatch"])])
async def test_sync_with_a_custom_handler(start: Any, events: str, message: list[str]) -> None:
    service = await start(events=events, data_sync_handlers=[Projection])
    await warm(service)
    assert await counted(service, service.commands.publish_sync(todo())) == [GET, WRITE, *message, UPDATE]


async def test_refused_or_clean(service: Any) -> None:
    await service.commands.publish_sync(todo())
    service.calls.clear()
    assert await service.commands.publish_sync(todo(1)) is None
    assert service.calls == [GET]


@pytest.mark.parametrize(
    ("commands", "data", "newest"),
    [
        ([], None, None),
        ([1], None, 1),
        ([1], 1, 1),
        (range(1, 8), None, 7),
        (range(1, 51), None, 50),
        (range(1, 19), 10, 18),
        (range(1, 51), 50, 50),
        ([1, 2, 3, 4, 5, 7, 8], 0, 8),
        (range(1, 8), 50, 50),
        ([], 3, 3),
    ],
)
async def test_the_newest_command(
    service: Any, commands: list[int], data: int | None, newest: int | None
) -> None:
    for version in commands:
        sk = add_sort_key_version("A1", version)
        service.put("todo-command", {"pk": {"S": PK}, "sk": {"S": sk}, "version": {"N": str(version)}})
    if data is not None:
        row = {"pk": {"S": PK}, "sk": {"S": "A1"}, "version": {"N": str(data)}, "cpk": {"S": PK}}
        service.put("todo-data", row)
    service.calls.clear()
    found = await service.commands.get_latest_item(pk=PK, sk="A1")
    assert service.calls == [GET, BATCH]
    assert (found.version if found else None) == newest
    if found is not None:
        assert found.sk == f"A1@{newest}"


@pytest.mark.parametrize(("data", "commands"), [(None, range(1, 103)), (10, range(1, 51))])
async def test_where_many_commands_wait_one_more_call_reads_a_hundred(
    service: Any, data: int | None, commands: range
) -> None:
    for version in commands:
        sk = add_sort_key_version("A1", version)
        service.put("todo-command", {"pk": {"S": PK}, "sk": {"S": sk}, "version": {"N": str(version)}})
    if data is not None:
        row = {"pk": {"S": PK}, "sk": {"S": "A1"}, "version": {"N": str(data)}, "cpk": {"S": PK}}
        service.put("todo-data", row)
    service.calls.clear()
    assert (await service.commands.get_latest_item(pk=PK, sk="A1")).version == commands[-1]
    assert service.calls == [GET, BATCH, BATCH]


async def test_only_the_newest_command_is_read_from_s3(service: Any) -> None:
    for version, text in enumerate("abc"):
        await service.commands.publish_async(todo(version, text) | {"attributes": {"t": text * 200_000}})
    service.calls.clear()
    assert (await service.commands.get_latest_item(pk=PK, sk="A1")).attributes["t"][0] == "c"
    assert service.calls == [GET, BATCH, "s3.GetObject"]
