from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from cqrs_nest.buses import (
    AggregateRoot,
    CommandBus,
    EventBus,
    EventBusOptions,
    EventPublisher,
    EventSubscriber,
    UnhandledExceptionBus,
)


@dataclass(frozen=True)
class Opened:
    owner: str


@dataclass(frozen=True)
class HTTPCallMade:
    pass


class Account(AggregateRoot[Opened | HTTPCallMade]):
    def __init__(self) -> None:
        self.owner = ""
        self.calls = 0

    def on_opened(self, event: Opened) -> None:
        self.owner = event.owner

    def on_http_call_made(self, event: HTTPCallMade) -> None:
        self.calls += 1


def publisher(seen: list[object], *, fails: bool = False) -> EventPublisher:
    async def handle(event: object) -> None:
        seen.append(event)
        if fails:
            raise ValueError("down")

    bus = EventBus(CommandBus(), UnhandledExceptionBus(), EventBusOptions(rethrow_unhandled=True))
    bus.register([Opened, HTTPCallMade], EventSubscriber("handler", handle))
    return EventPublisher(bus)


async def test_commit_publishes_in_order_and_clears() -> None:
    seen: list[object] = []
    account = publisher(seen).merge_object_context(Account())
    account.apply(Opened("ann"))
    account.apply(HTTPCallMade())
    assert (account.owner, account.calls, seen) == ("ann", 1, [])
    await account.commit()
    assert seen == [Opened("ann"), HTTPCallMade()]
    await account.commit()
    assert len(seen) == 2


async def test_a_failing_publish_keeps_the_events() -> None:
    account = publisher([], fails=True).merge_object_context(Account())
    account.apply(Opened("ann"))
    with pytest.raises(ExceptionGroup):
        await account.commit()
    assert account.get_uncommitted_events() == [Opened("ann")]
    account.uncommit()
    assert account.get_uncommitted_events() == []


async def test_a_merged_class_publishes_and_its_objects_are_of_the_original() -> None:
    seen: list[object] = []
    account = publisher(seen).merge_class_context(Account)()
    assert isinstance(account, Account)
    account.apply(Opened("ann"), skip_handler=True)
    assert account.owner == ""
    await account.commit()
    assert seen == [Opened("ann")]


def test_history_reaches_the_handlers_and_queues_nothing() -> None:
    account, other = Account(), Account()
    account.load_from_history([Opened("ann"), HTTPCallMade()])
    assert (account.owner, account.calls) == ("ann", 1)
    assert account.get_uncommitted_events() == other.get_uncommitted_events() == []


async def test_events_are_handed_to_whoever_saves_them() -> None:
    account = Account()
    account.apply(Opened("ann"))
    saved: list[object] = []

    async def save(events: Sequence[Opened | HTTPCallMade]) -> str:
        saved.extend(events)
        account.apply(HTTPCallMade())
        return "version 1"

    assert await account.commit_with(save) == "version 1"
    assert saved == [Opened("ann")]
    assert account.get_uncommitted_events() == [HTTPCallMade()], "applied meanwhile, so not saved"

    async def fail(events: Sequence[Opened | HTTPCallMade]) -> None:
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        await account.commit_with(fail)
    assert account.get_uncommitted_events() == [HTTPCallMade()]


@dataclass
class DataAccount(AggregateRoot[Opened]):
    owner: str = ""

    def on_opened(self, event: Opened) -> None:
        self.owner = event.owner


class ModelAccount(BaseModel, AggregateRoot[Opened]):
    owner: str = ""

    def on_opened(self, event: Opened) -> None:
        self.owner = event.owner


@pytest.mark.parametrize("cls", [DataAccount, ModelAccount])
async def test_dataclasses_and_pydantic_models_are_aggregates(
    cls: type[DataAccount] | type[ModelAccount],
) -> None:
    seen: list[object] = []
    merged, plain = publisher(seen).merge_class_context(cls)(), cls()
    publisher(seen).merge_object_context(plain)
    for account in (merged, plain):
        account.apply(Opened("ann"))
        assert account.owner == "ann"
        await account.commit()
    assert seen == [Opened("ann"), Opened("ann")]
    assert cls().get_uncommitted_events() == []
    assert cls(owner="ann") == cls(owner="ann")


async def test_auto_commit_without_a_bus_queues() -> None:
    account = Account()
    account.auto_commit = True
    account.apply(Opened("ann"))
    assert account.get_uncommitted_events() == [Opened("ann")]
