"""`inline`: nothing runs by itself; `drain` applies what is pending and says what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.commands import CommandModel
from cqrs_nest.pipeline import AppliedCommand, HandlerRun, InlineDriver

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

ROW: dict[str, Any] = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}


async def test_drain_applies_what_is_pending(inline: Service) -> None:
    driver = inline.container.get(InlineDriver)
    assert not await driver.drain()
    await inline.publish("A", "first")
    await inline.publish("A", "second", version=1)
    assert inline.row("data", "A") is None
    drained = await driver.drain()
    assert drained.applied == [
        AppliedCommand("todo", "TODO#acme", "A@1"),
        AppliedCommand("todo", "TODO#acme", "A@2"),
    ]
    assert drained.handlers == [
        HandlerRun("Projection", "TODO#acme", "A@1"),
        HandlerRun("Projection", "TODO#acme", "A@2"),
    ]
    assert drained.failed == []
    assert inline.projection.seen == ["A@1", "A@2"]
    assert not await driver.drain()


async def test_it_also_applies_what_handlers_publish(
    inline: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def publish_another(command: CommandModel) -> None:
        row = {"pk": "TODO#acme", "sk": "N", "id": "TODO#acme#N", "name": f"after {command.name}"}
        await inline.commands("note").publish_async(row)

    monkeypatch.setattr(inline.projection, "up", publish_another)
    await inline.publish("A", "first")
    drained = await inline.container.get(InlineDriver).drain()
    assert [(command.table, command.sk) for command in drained.applied] == [("todo", "A@1"), ("note", "N@1")]


async def test_errors_of_handlers_come_out_of_it_when_all_else_is_done(inline: Service) -> None:
    driver = inline.container.get(InlineDriver)
    for sk in ("A", "B", "C"):
        await inline.publish(sk, f"{sk} first")
    inline.projection.failing.add("A first")
    with pytest.raises(RuntimeError, match="no room for A first"):
        await driver.drain()
    assert {inline.status(sk) for sk in ("B@1", "C@1")} == {"finish:FINISHED"}
    await inline.publish("B", "A first", version=1)
    with pytest.raises(ExceptionGroup, match="2 commands could not be applied"):
        await driver.drain()


async def test_it_tells_which_command_failed_in_which_handler(inline: Service) -> None:
    for sk in ("A", "B"):
        await inline.publish(sk, f"{sk} first", table="master")
        await inline.publish(sk, f"{sk} second", version=1, table="master")
    inline.mail.failing |= {"A second", "B first"}
    drained = await inline.container.get(InlineDriver).drain(raise_failures=False)
    assert drained.applied == [AppliedCommand("master", "TODO#acme", "A@1")]
    failed = {command.sk: command.error for command in drained.failed}
    assert failed.keys() == {"A@2", "B@1"}
    assert {(run.handler, run.sk): run.error for run in drained.handlers} == {
        ("Search", "A@1"): None,
        ("mail", "A@1"): None,
        ("Search", "A@2"): None,
        ("mail", "A@2"): failed["A@2"],
        ("Search", "B@1"): None,
        ("mail", "B@1"): failed["B@1"],
    }
    assert len(drained.handlers) == 6
    again = await inline.container.get(InlineDriver).drain(raise_failures=False)
    assert {run.handler for run in again.handlers} == {"mail"}


async def test_what_handlers_publish_is_applied_also_when_another_command_fails(
    inline: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def publish_another(command: CommandModel) -> None:
        if command.name == "bad":
            raise RuntimeError("no room for bad")
        row = {"pk": "TODO#acme", "sk": "N", "id": "TODO#acme#N", "name": f"after {command.name}"}
        await inline.commands("note").publish_async(row)

    monkeypatch.setattr(inline.projection, "up", publish_another)
    await inline.publish("A", "first")
    await inline.publish("B", "bad")
    with pytest.raises(RuntimeError, match="no room for bad"):
        await inline.container.get(InlineDriver).drain()
    assert inline.status("N@1", "note") == "finish:FINISHED"


async def test_a_strong_publish_applies_itself(inline: Service) -> None:
    assert await inline.commands().publish_async(ROW, consistency="strong", timeout=60)
    assert inline.projection.seen == ["A@1"]
