"""Expected versions in words, updates that try again, and requests that come twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from cqrs_nest.commands import CommandInput, CommandModel, DetailKey, Expect, VersionConflictException
from cqrs_nest.common import BadRequestException

PK = "TODO#acme"
KEY = DetailKey(PK, "A1")


def todo(version: int = 0, name: str = "milk", **more: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": "A1", "id": f"{PK}#A1", "name": name, "version": version, **more}


def add_one(item: CommandModel | None) -> dict[str, Any]:
    count = item.attributes["count"] if item else 0
    return {"id": f"{PK}#A1", "attributes": {"count": count + 1}}


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
async def test_versions_in_words(service: Any, how: str) -> None:
    publish = getattr(service.commands, how)
    entity = CommandInput(pk=PK, sk="A1", name="milk", version=Expect.new())
    assert (await publish(entity)).version == 1
    with pytest.raises(VersionConflictException):
        await publish(entity)
    assert (await publish(todo(Expect.version(1), "bread"))).version == 2
    assert (await publish(todo(Expect.any(), "salt"))).version == 3
    with pytest.raises(ValueError, match="1 or more"):
        Expect.version(0)


async def test_a_partial_update_knows_what_it_expects(service: Any) -> None:
    for partial in ("publish_partial_update_sync", "publish_partial_update_async"):
        with pytest.raises(BadRequestException, match=r"Expect\.new"):
            await getattr(service.commands, partial)(todo(Expect.new()))
    await service.commands.publish_sync(todo())
    changed = await service.commands.publish_partial_update_sync(todo(Expect.any(), "bread"))
    assert (changed.version, changed.name) == (2, "bread")


@pytest.mark.parametrize("sync", [False, True])
async def test_every_update_of_many_writers_is_there(service: Any, sync: bool) -> None:
    updates = [service.commands.update(KEY, add_one, retries=100, sync=sync) for _ in range(32)]
    commands = await asyncio.gather(*updates)
    assert sorted(command.version for command in commands) == list(range(1, 33))
    newest = await service.commands.get_latest_item(pk=PK, sk="A1")
    assert newest.attributes == {"count": 32}


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
async def test_of_many_writers_one_wins_each_version(service: Any, how: str) -> None:
    publish = getattr(service.commands, how)
    for version in range(3):
        writers = [publish(todo(version, f"{version} by {writer}")) for writer in range(32)]
        results = await asyncio.gather(*writers, return_exceptions=True)
        (winner,) = [result for result in results if isinstance(result, CommandModel)]
        assert winner.version == version + 1
        losers = [result for result in results if result is not winner]
        assert all(isinstance(loser, VersionConflictException) for loser in losers)
        row = service.rows("todo-command")[f"A1@{version + 1}"]
        assert row["name"]["S"] == winner.name


async def test_an_update_may_decide_otherwise_and_gives_up_at_last(service: Any) -> None:
    assert await service.commands.update(KEY, lambda item: None) is None
    await service.commands.publish_async(todo())

    async def meets_another(item: CommandModel) -> dict[str, Any]:
        await service.commands.publish_async(todo(item.version, f"other {item.version}"))
        return {"name": "mine"}

    with pytest.raises(VersionConflictException):
        await service.commands.update(KEY, meets_another, retries=2)
    assert len(service.rows("todo-command")) == 4


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
@pytest.mark.parametrize("version", [0, 1, -1])
async def test_a_request_that_comes_twice_changes_once(service: Any, how: str, version: int) -> None:
    publish = getattr(service.commands, how)
    if version:
        await publish(todo(0, "before"))
    first = await publish(todo(version), request_id="r1")
    again = await publish(todo(version), request_id="r1")
    assert (again.sk, again.name, again.request_id) == (first.sk, first.name, "r1")
    assert len(service.rows("todo-command")) == first.version
    with pytest.raises(VersionConflictException):
        await publish(todo(7), request_id="r2")


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
async def test_a_repeated_request_is_known_after_others(service: Any, how: str) -> None:
    publish = getattr(service.commands, how)
    await publish(todo(), request_id="r1")
    await publish(todo(1, "bread"), request_id="r2")
    assert (await publish(todo(), request_id="r1")).sk == "A1@1"
    assert len(service.rows("todo-command")) == 2


async def test_repetitions_at_once_make_one_command(service: Any) -> None:
    for publish in (service.commands.publish_sync, service.commands.publish_partial_update_async):
        await service.commands.publish_sync(todo(0, "before", sk=f"{publish.__name__}"))
        calls = [publish(todo(1, "x", sk=publish.__name__), request_id="r") for _ in range(8)]
        assert {command.version for command in await asyncio.gather(*calls)} == {2}


async def test_a_request_is_remembered_for_ten_minutes_and_only_by_name(service: Any) -> None:
    with time_machine.travel("2024-01-01T00:00:00+00:00", tick=False) as clock:
        await service.commands.publish_sync(todo(), request_id="r1")
        clock.shift(timedelta(minutes=11))
        with pytest.raises(VersionConflictException):
            await service.commands.publish_sync(todo(), request_id="r1")


async def test_a_request_is_remembered_from_its_own_time_on(service: Any) -> None:
    with time_machine.travel("2024-01-01T00:00:00+00:00", tick=False) as clock:
        await service.commands.publish_sync(todo())
        clock.shift(timedelta(minutes=20))
        first = await service.commands.publish_sync(todo(1, "bread"), request_id="r1")
        clock.shift(timedelta(minutes=9))
        again = await service.commands.publish_sync(todo(1, "bread"), request_id="r1")
        assert (first.version, again.version) == (2, 2)


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
async def test_without_a_version_an_item_is_new(service: Any, how: str) -> None:
    item = {"pk": PK, "sk": "A1", "name": "milk"}
    assert (await getattr(service.commands, how)(item)).version == 1
    with pytest.raises(VersionConflictException):
        await getattr(service.commands, how)({**item, "name": "bread"})
