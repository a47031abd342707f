"""Earlier states of an item, from whatever is left of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

PK = "TODO#acme"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def changed(service: Any) -> Any:
    """An item of twelve versions, one each minute; the eleventh deleted it."""
    with time_machine.travel(START, tick=False) as clock:
        for version in range(12):
            item: dict[str, Any] = {"pk": PK, "sk": "A", "id": f"{PK}#A", "version": version}
            item |= {"name": f"name {version + 1}", "attributes": {"n": version}}
            await service.commands.publish_sync({**item, "isDeleted": version == 10})
            clock.shift(60)
    return service


async def test_every_version_can_be_read(changed: Any) -> None:
    for version in range(1, 13):
        item = await changed.data.get_item(pk=PK, sk="A", at_version=version)
        assert (item.sk, item.version, item.name) == ("A", version, f"name {version}")
        assert (item.attributes, item.is_deleted) == ({"n": version - 1}, version == 11)
        assert item.created_at == START
    for version in (0, -1, 13):
        assert await changed.data.get_item(pk=PK, sk="A", at_version=version) is None
    assert await changed.data.get_item(pk=PK, sk="B", at_version=1) is None


@pytest.mark.parametrize(
    ("seconds", "version"), [(-1, None), (0, 1), (59, 1), (60, 2), (605, 11), (10**6, 12)]
)
async def test_every_moment_can_be_read(changed: Any, seconds: int, version: int | None) -> None:
    moment = (START + timedelta(seconds=seconds)).astimezone()
    item = await changed.data.get_item(pk=PK, sk="A", at_time=moment)
    assert (item and item.version) == version


async def test_a_state_without_history_is_told_from_its_command(changed: Any) -> None:
    changed.delete("todo-history", PK, "A@3")
    item = await changed.data.get_item(pk=PK, sk="A", at_version=3)
    assert (item.name, item.created_at, item.csk) == ("name 3", START, "A@3")
    changed.delete("todo-command", PK, "A@3")
    assert await changed.data.get_item(pk=PK, sk="A", at_version=3) is None
    moment = START + timedelta(seconds=125)
    assert (await changed.data.get_item(pk=PK, sk="A", at_time=moment)).version == 2


async def test_what_is_not_applied_is_no_state(service: Any) -> None:
    await service.commands.publish_async({"pk": PK, "sk": "A", "id": f"{PK}#A", "version": 0})
    assert await service.data.get_item(pk=PK, sk="A", at_version=1) is None


async def test_it_takes_two_calls_at_once_after_one(changed: Any) -> None:
    changed.calls.clear()
    await changed.data.get_item(pk=PK, sk="A", at_version=3)
    assert changed.calls == ["dynamodb.GetItem"] * 3
    changed.calls.clear()
    await changed.data.get_item(pk=PK, sk="A", at_time=START)
    assert sorted(changed.calls) == ["dynamodb.GetItem", "dynamodb.Query", "dynamodb.Query"]


async def test_a_question_must_be_clear(service: Any) -> None:
    with pytest.raises(ValueError, match="not at both"):
        await service.data.get_item(pk=PK, sk="A", at_version=1, at_time=START)
    with pytest.raises(ValueError, match="has no time zone"):
        await service.data.get_item(pk=PK, sk="A", at_time=START.replace(tzinfo=None))
