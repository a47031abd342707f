"""How many calls to AWS the operations make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cqrs_nest.commands import CommandModel

PK = "TODO#acme"
GET, PUT, WRITE, UPDATE = (
    f"dynamodb.{name}" for name in ("GetItem", "PutItem", "TransactWriteItems", "UpdateItem")
)
BATCH, QUERY = "dynamodb.BatchGetItem", "dynamodb.Query"


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


@pytest.mark.parametrize("how", ["async", "sync"])
async def test_no_note_reads_large_attributes(start: Any, how: str) -> None:
    service = await start()
    await warm(service)
    publish = getattr(service.commands, f"publish_{how}")
    calls = await counted(service, publish(todo() | {"attributes": {"text": "x" * 200_000}}))
    assert calls[-1] == UPDATE
    assert {call for call in calls if call.startswith("s3.")} == {"s3.PutObject"}


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


async def test_an_expired_command_before_costs_no_call_where_nothing_expires_anew(service: Any) -> None:
    await warm(service)
    await service.commands.publish_sync(todo())
    service.delete("todo-command", PK, "A1@1")
    assert await counted(service, service.commands.publish_sync(todo(1, "x"))) == [GET, WRITE]


async def test_refused_or_clean(service: Any) -> None:
    await service.commands.publish_sync(todo())
    service.calls.clear()
    assert await service.commands.publish_sync(todo(1)) is None
    assert service.calls == [GET]


def put_commands(service: Any, sk: str, versions: Iterable[int], data: int | None, text: str = "") -> None:
    """Write the commands of these versions, and the data row of the applied one."""
    for version in versions:
        key = f"{sk}@{version}"
        row = {"pk": {"S": PK}, "sk": {"S": key}, "version": {"N": str(version)}, "name": {"S": text}}
        service.put("todo-command", row)
    if data is not None:
        row = {"pk": {"S": PK}, "sk": {"S": sk}, "version": {"N": str(data)}, "cpk": {"S": PK}}
        service.put("todo-data", {**row, "name": {"S": text}})


NEWEST: list[tuple[Iterable[int], int | None, int | None]] = [
    ([], None, None),
    ([1], None, 1),
    ([1], 1, 1),
    (range(1, 8), None, 7),
    (range(1, 51), None, 50),
    (range(1, 51), 10, 50),
    (range(1, 51), 50, 50),
    (range(1, 121), None, 120),
    (range(60, 161), 60, 160),
    ([1, 2, 3, 4, 5, 7, 8], 0, 8),
    (range(1, 8), 50, 50),
    ([], 3, 3),
    ([6, 989, 995], 5, 995),
]
"""The versions of an item's commands, the one that is applied, and the newest."""


async def test_the_newest_command(service: Any) -> None:
    for number, (commands, data, newest) in enumerate(NEWEST):
        put_commands(service, f"N{number}", commands, data)
        service.calls.clear()
        found = await service.commands.get_latest_item(pk=PK, sk=f"N{number}")
        assert service.calls == [GET, QUERY]
        assert (found and (found.sk, found.version)) == (newest and (f"N{number}@{newest}", newest))


@given(
    applied=st.one_of(st.integers(1, 120), st.sampled_from([899, 950, 995, 1000, 9_950, 12_399, 99_999])),
    kept=st.sets(st.integers(0, 120), max_size=4),
    waiting=st.sets(st.integers(1, 89), max_size=6),
    size=st.sampled_from([1, 300, 9_000]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_two_calls_find_the_newest_of_any_version_and_behind_any_hole(
    service: Any, applied: int, kept: set[int], waiting: set[int], size: int
) -> None:
    sk = f"{uuid4()}"
    versions = {applied - back for back in kept if applied > back} | {applied + ahead for ahead in waiting}
    put_commands(service, sk, versions, applied, "x" * size)
    put_commands(service, f"{sk}@{applied + 1}", [applied + 5], None)
    service.calls.clear()
    found = await service.commands.get_latest_item(pk=PK, sk=sk)
    assert found.sk == f"{sk}@{max(versions | {applied})}"
    digits_change = applied >= 100 and len(str(applied)) < len(str(applied + 99))
    assert service.calls in ([GET, BATCH], [GET, QUERY, QUERY] if digits_change else [GET, QUERY])


async def test_older_commands_are_not_read_where_the_number_of_digits_changes(service: Any) -> None:
    """DynamoDB counts what a Query goes over, also where a filter takes it out."""
    put_commands(service, "A1", [*range(1, 100), *range(900, 1003)], 995, "x" * 1000)
    gone_over: list[int] = []
    service.session.client("dynamodb").meta.events.register(
        "after-call.dynamodb.Query", lambda parsed, **_: gone_over.append(parsed["ScannedCount"])
    )
    service.calls.clear()
    assert (await service.commands.get_latest_item(pk=PK, sk="A1")).version == 1002
    assert service.calls == [GET, QUERY, QUERY]
    assert sum(gone_over) == len(range(995, 1003))


@pytest.mark.parametrize(
    ("versions", "size", "calls"),
    [
        (range(950, 1070), 20_000, [BATCH, QUERY]),
        (range(950, 1051), 20_000, [BATCH, QUERY]),
        (range(950, 1051), 1, [QUERY, QUERY, QUERY]),
        (range(150, 300), 1, [QUERY, QUERY]),
    ],
)
async def test_where_a_hundred_wait_one_more_call_reads_on(
    service: Any, versions: range, size: int, calls: list[str]
) -> None:
    put_commands(service, "A1", versions, versions[0], "x" * size)
    service.calls.clear()
    assert (await service.commands.get_latest_item(pk=PK, sk="A1")).version == versions[-1]
    assert service.calls == [GET, *calls]


async def test_only_the_newest_command_is_read_from_s3(service: Any) -> None:
    for version, text in enumerate("abc"):
        await service.commands.publish_async(todo(version, text) | {"attributes": {"t": text * 200_000}})
    service.calls.clear()
    assert (await service.commands.get_latest_item(pk=PK, sk="A1")).attributes["t"][0] == "c"
    assert service.calls == [GET, QUERY, "s3.GetObject"]
