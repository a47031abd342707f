"""Handlers that are cancelled, functions whose time is over, and deliveries that overtake each other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.cqrs import HandlerCancelledError
from cqrs_nest.events import EventService
from cqrs_nest.pipeline.stream_driver import StreamDriver
from tests.pipeline.test_handler_runs import handlers_done
from tests.pipeline.test_stream_driver import statuses

if TYPE_CHECKING:
    from cqrs_nest.commands import CommandModel
    from cqrs_nest.pipeline.command_events import NewCommandEvent
    from tests.pipeline.conftest import Remembering, Service

FINISHED = "finish:FINISHED"


@dataclass
class Context:
    """The Lambda context of an invocation with so much time left."""

    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


async def await_something_cancelled() -> None:
    work = asyncio.create_task(asyncio.Event().wait())
    work.cancel()
    await work


async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def replace_up(monkeypatch: pytest.MonkeyPatch, handler: Remembering, does: Any) -> None:
    """Let a handler do something before what it does anyway."""
    up = handler.up

    async def replaced(command: CommandModel) -> Any:
        await does(command)
        return await up(command)

    monkeypatch.setattr(handler, "up", replaced)


@pytest.mark.parametrize("does", [await_something_cancelled, cancel_itself])
async def test_a_handler_that_ends_as_cancelled_has_failed(
    queued: Service, monkeypatch: pytest.MonkeyPatch, does: Any
) -> None:
    attempts: list[str] = []

    async def cancelled(command: CommandModel) -> None:
        attempts.append(command.sk)
        await does()

    await queued.publish("A", "first", table="master")
    with monkeypatch.context() as patch:
        replace_up(patch, queued.search, cancelled)
        assert await queued.deliver(queued.record("A@1", table="master")) == []
    assert attempts == ["A@1"] * 3
    assert queued.status("A@1", "master") == "sync_data:FAILED"
    assert handlers_done(queued, "A@1") == ["mail"]
    (letter,) = queued.dead_letters()
    assert "HandlerCancelledError: Search failed on TODO#acme A@1" in letter["content"]["errorMessage"]


async def test_a_synchronous_publish_tells_of_such_a_handler(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(command: CommandModel) -> None:
        await await_something_cancelled()

    replace_up(monkeypatch, service.search, cancelled)
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
    with pytest.raises(HandlerCancelledError):
        await service.commands("master").publish_sync(row)
    assert handlers_done(service, "A@1") == ["mail"]


async def test_when_the_time_is_over_what_is_done_stays_done(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time

    apply, others_are_done = StreamDriver.apply_event, asyncio.Event()

    async def apply_event(driver: StreamDriver, event: NewCommandEvent) -> None:
        await apply(driver, event)
        others_are_done.set()

    async def hang(command: CommandModel) -> None:
        if command.sk.startswith("A"):
            await others_are_done.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            patch.setattr(loop, "time", lambda: now() + 3600)
            await asyncio.Event().wait()

    for sk in ("A", "B"):
        await service.publish(sk, "first", table="master")
    await service.publish("A", "second", version=1, table="master")
    batch = [service.record(sk, table="master") for sk in ("A@1", "B@1", "A@2")]
    for number, record in enumerate(batch, 1):
        record["dynamodb"]["SequenceNumber"] = str(number)
    with monkeypatch.context() as patch:
        replace_up(patch, service.search, hang)
        patch.setattr(StreamDriver, "apply_event", apply_event)
        answer = await service.container.get(EventService).handle({"Records": batch}, Context(900))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}
    assert service.status("B@1", "master") == FINISHED
    assert handlers_done(service, "A@1") == ["mail"]
    assert service.search.seen == ["B@1"]
    assert await service.deliver(*batch) == []
    assert service.search.seen == ["B@1", "A@1", "A@2"]
    assert sorted(service.mail.seen) == ["A@1", "A@2", "B@1"]
    assert service.world.messages("alarm-queue") == []


async def test_a_batch_that_comes_twice_at_once_ends_as_if_it_came_once(service: Service) -> None:
    for version in range(3):
        for sk in ("A", "B"):
            await service.publish(sk, f"{sk}{version + 1}", version=version)
    batch = [service.record(f"{sk}@{version}") for version in (1, 2, 3) for sk in ("A", "B")]
    assert await asyncio.gather(service.deliver(*batch), service.deliver(*batch)) == [[], []]
    for sk in ("A", "B"):
        assert [service.status(f"{sk}@{version}") for version in (1, 2, 3)] == [FINISHED] * 3
        data = service.row("data", sk)
        assert data is not None
        assert (data["name"], data["version"]) == ({"S": f"{sk}3"}, {"N": "3"})
        seen = [entry for entry in service.projection.seen if entry.startswith(sk)]
        assert list(dict.fromkeys(seen)) == [f"{sk}@{version}" for version in (1, 2, 3)]
    assert service.world.messages("alarm-queue") == []


async def test_a_failure_does_not_overturn_what_another_delivery_has_finished(
    queued: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    called, released = asyncio.Event(), asyncio.Event()

    async def fail_late(command: CommandModel) -> None:
        called.set()
        await released.wait()
        raise ConnectionError("too late")

    await queued.publish("A", "first")
    record = queued.record("A@1")
    with monkeypatch.context() as patch:
        replace_up(patch, queued.projection, fail_late)
        late = asyncio.create_task(queued.deliver(record))
        await called.wait()
    assert await queued.deliver(record) == []
    released.set()
    # It comes again, and is found to be done.
    assert await late == ["1001"]
    assert await queued.deliver(record) == []
    assert queued.status("A@1") == FINISHED
    assert queued.dead_letters() == []
    assert queued.world.messages("alarm-queue") == []
    assert f"A@1 {FINISHED}" in statuses(queued.world.messages("all-raw"))
