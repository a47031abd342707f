from __future__ import annotations

from dataclasses import dataclass

import pytest

from cqrs_nest.buses import AggregateRoot, CommandBus, EventBus, EventPublisher, UnhandledExceptionBus
from cqrs_nest.buses.event_bus import EventBusOptions, EventSubscriber


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
