"""TTL configurations: read once a minute, put on commands, data and history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from cqrs_nest.aws.dynamodb import TableType
from cqrs_nest.commands import TtlService

PK = "TODO#acme"
DAY = 86_400
NOW = datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC)


def todo(version: int = 0, name: str = "milk", **properties: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": "A1", "name": name, "version": version, **properties}


def configure(service: Any, kind: str, days: dict[str, str]) -> None:
    row = {"pk": {"S": "MASTER#acme"}, "sk": {"S": f"TTL#local-test-todo-{kind}"}}
    service.put("master-data", {**row, "attributes": {"M": {"days": days}}})


def ttl(rows: dict[str, Any], sk: str) -> Any:
    return rows[sk]["ttl"].get("N")


async def test_each_table_has_its_own_days(service: Any) -> None:
    for kind, days in (("command", {"N": "7"}), ("data", {"N": "30"}), ("history", {"S": "90"})):
        configure(service, kind, days)
    with time_machine.travel(NOW, tick=False):
        now = int(datetime.now(UTC).timestamp())
        await service.commands.publish_sync(todo())
        await service.commands.publish_sync(todo(1, "bread"))
    commands = service.rows("todo-command")
    assert ttl(commands, "A1@1") == str(now + 7 * DAY)
    assert ttl(commands, "A1@2") == str(now + 30 * DAY)
    assert ttl(service.rows("todo-data"), "A1") == str(now + 30 * DAY)
    assert ttl(service.rows("todo-history"), "A1@1") == str(now + 90 * DAY)


async def test_a_command_that_has_expired_is_not_missed(service: Any) -> None:
    configure(service, "command", {"N": "7"})
    await service.commands.publish_sync(todo())
    service.delete("todo-command", PK, "A1@1")
    assert (await service.commands.publish_sync(todo(1, "bread"))).version == 2
    assert set(service.rows("todo-command")) == {"A1@2"}


async def test_update_ttl_of_a_command_that_has_expired_makes_no_row(service: Any) -> None:
    await service.commands.update_ttl(pk=PK, sk="A1@2")
    assert service.rows("todo-command") == {}


async def test_an_input_says_its_own(service: Any) -> None:
    configure(service, "data", {"N": "30"})
    command = await service.commands.publish_sync(todo(ttl=2_000_000_000))
    assert command.ttl == 2_000_000_000
    assert (await service.commands.publish_sync(todo(1, ttl=None))).to_row()["ttl"] is None


async def test_a_configuration_is_read_once_a_minute(service: Any) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        await service.commands.publish_async(todo())
        configure(service, "data", {"N": "30"})
        clock.shift(59)
        assert (await service.commands.publish_async(todo(1, "b"))).ttl is None
        clock.shift(2)
        assert (await service.commands.publish_async(todo(2, "c"))).ttl is not None


async def test_a_configuration_is_kept_for_its_tenant(service: Any) -> None:
    configure(service, "data", {"N": "30"})
    for name in ("milk", "bread"):
        assert (await service.commands.publish_async(todo(-1, name))).ttl is not None
        assert (await service.commands.publish_async(todo(-1, name, pk="TODO#other"))).ttl is None


async def test_one_tenant_too_many_puts_out_the_one_that_was_read_first(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqrs_nest.commands.ttl_service.MAX_CACHED", 3)
    service = await start()
    ttl = service.table.get(TtlService)
    for tenant in "abcd":
        await ttl.get_ttl_configuration(TableType.DATA, tenant)
    service.calls.clear()
    for tenant in "bcda":
        await ttl.get_ttl_configuration(TableType.DATA, tenant)
    assert len(service.calls) == 1


async def test_what_was_read_a_minute_ago_takes_no_memory(service: Any) -> None:
    ttl = service.table.get(TtlService)
    with time_machine.travel(NOW, tick=False) as clock:
        for tenant in range(20):
            await ttl.get_ttl_configuration(TableType.DATA, str(tenant))
            clock.shift(10)
    assert len(ttl._cache) == 6


async def test_a_failed_read_counts_as_no_configuration_but_is_not_kept(service: Any) -> None:
    configure(service, "data", {"N": "30"})
    service.fail("dynamodb.GetItem", "ProvisionedThroughputExceededException", times=1)
    assert (await service.commands.publish_async(todo())).ttl is None
    assert (await service.commands.publish_async(todo(1, "b"))).ttl is not None


async def test_days_that_make_no_sense_are_an_error(service: Any) -> None:
    configure(service, "data", {"N": "-1"})
    with pytest.raises(ValueError, match=r"MASTER#acme / TTL#local-test-todo-data.*greater than 0"):
        await service.commands.publish_async(todo())
    assert service.rows("todo-command") == {}
