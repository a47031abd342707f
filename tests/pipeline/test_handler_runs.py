"""Each handler is tried by its own policy, and none is repeated because another one failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.commands import RetryPolicy
from cqrs_nest.pipeline import handler_runs

if TYPE_CHECKING:
    from cqrs_nest.commands import CommandModel
    from tests.pipeline.conftest import Service


def handlers_done(service: Service, sk: str, table: str = "master") -> list[str] | None:
    row = service.row("command", sk, table)
    assert row is not None
    return [item["S"] for item in row["handlersDone"]["L"]] if "handlersDone" in row else None


async def test_a_handler_is_tried_as_often_as_its_policy_says(service: Service) -> None:
    await service.publish("A", "first", table="master")
    service.search.failing.add("first")
    assert await service.deliver(service.record("A@1", table="master")) == ["1001"]
    assert service.search.seen == ["A@1"] * 3
    assert service.mail.seen == ["A@1"]


async def test_an_error_that_is_not_worth_it_is_not_tried_again(service: Service) -> None:
    await service.publish("A", "first", table="master")
    service.mail.failing.add("first")
    assert await service.deliver(service.record("A@1", table="master")) == ["1001"]
    assert service.mail.seen == ["A@1"]


async def test_a_failure_that_passes_is_not_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    up, failures = service.search.up, iter([True, False])

    async def fail_once(command: CommandModel) -> Any:
        if next(failures):
            raise ConnectionError("away for a moment")
        return await up(command)

    monkeypatch.setattr(service.search, "up", fail_once)
    await service.publish("A", "first", table="master")
    assert await service.deliver(service.record("A@1", table="master")) == []
    assert service.search.seen == ["A@1"]
    assert service.world.messages("alarm-queue") == []


async def test_only_the_handler_that_failed_is_repeated(service: Service) -> None:
    await service.publish("A", "first", table="master")
    record = service.record("A@1", table="master")
    service.search.failing.add("first")
    await service.deliver(record)
    assert handlers_done(service, "A@1") == ["mail"]
    service.search.failing.clear()
    assert await service.deliver(record) == []
    assert (service.search.seen, service.mail.seen) == (["A@1"] * 4, ["A@1"])
    assert service.status("A@1", "master") == "finish:FINISHED"
    assert handlers_done(service, "A@1") is None


async def test_a_later_command_does_not_repeat_what_is_done(service: Service) -> None:
    await service.publish("A", "first", table="master")
    await service.publish("A", "second", version=1, table="master")
    service.search.failing.add("first")
    await service.deliver(service.record("A@1", table="master"))
    service.search.failing.clear()
    assert await service.deliver(service.record("A@2", table="master")) == []
    assert service.search.seen == ["A@1"] * 4 + ["A@2"]
    assert service.mail.seen == ["A@1", "A@2"]


async def test_handlers_of_a_failed_synchronous_publish_are_not_repeated(service: Service) -> None:
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
    service.search.failing.add("first")
    with pytest.raises(RuntimeError):
        await service.commands("master").publish_sync(row)
    assert handlers_done(service, "A@1") == ["mail"]
    service.search.failing.clear()
    assert await service.deliver(service.record("A@1", table="master")) == []
    assert (service.search.seen, service.mail.seen) == (["A@1"] * 2, ["A@1"])
    assert handlers_done(service, "A@1") is None


async def test_what_is_done_is_noted_while_a_slow_handler_runs(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler_runs, "NOTE_AFTER_SECONDS", 0)
    ending = asyncio.Event()

    async def hang(command: CommandModel) -> None:
        await ending.wait()

    up = service.search.up
    monkeypatch.setattr(service.search, "up", hang)
    await service.publish("A", "first", table="master")
    record = service.record("A@1", table="master")
    delivery = asyncio.create_task(service.deliver(record))
    waiting = service.commands("master").publish_async(
        {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0},
        request_id="request of A first",
        consistency="strong",
        projections=["mail"],
    )
    assert await waiting
    # Whoever waits for one projection need not wait for the slow one, and a function that is cut off
    # does not repeat the quick one.
    assert not delivery.done()
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
    monkeypatch.setattr(service.search, "up", up)
    assert await service.deliver(record) == []
    assert (service.search.seen, service.mail.seen) == (["A@1"], ["A@1"])


def test_a_policy_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 attempt, not 0"):
        RetryPolicy(attempts=0)
    with pytest.raises(ValueError, match="first_pause <= longest_pause"):
        RetryPolicy(first_pause=6)


def test_pauses_grow_and_are_never_longer_than_they_may() -> None:
    policy = RetryPolicy(attempts=6, first_pause=1, longest_pause=5)
    for pause, longest in zip(policy.pauses(), (1, 2, 4, 5, 5), strict=True):
        assert longest / 2 <= pause <= longest
