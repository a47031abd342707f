"""A command with an idempotency key is carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from pydantic import BaseModel

from cqrs_nest.common import ConflictException
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CqrsModule,
    ICommandHandler,
    IdempotencyBehaviour,
    IdempotencyStore,
    InMemoryIdempotencyStore,
    MessageContext,
    acting_for,
)


@pytest.fixture(params=["memory", "dynamodb"])
async def store(request: pytest.FixtureRequest, start: Any) -> IdempotencyStore:
    """Every store keeps the same contract."""
    if request.param == "memory":
        return InMemoryIdempotencyStore()
    service = await start()
    given: IdempotencyStore = service.module.get(IdempotencyStore)
    return given


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_700_000_000, tick=False) as traveller:
        yield traveller


async def test_a_key_is_claimed_once_and_then_gives_the_result(store: IdempotencyStore) -> None:
    assert await store.begin("k", 60) is None
    with pytest.raises(ConflictException, match="still in progress"):
        await store.begin("k", 60)
    await store.finish("k", '"done"', 60)
    assert await store.begin("k", 60) == '"done"'
    assert await store.begin("other", 60) is None


async def test_a_forgotten_key_can_be_claimed_again(store: IdempotencyStore) -> None:
    await store.begin("k", 60)
    await store.forget("k")
    assert await store.begin("k", 60) is None


async def test_claims_and_results_expire(store: IdempotencyStore, clock: time_machine.Traveller) -> None:
    await store.begin("claimed", 60)
    await store.begin("kept", 60)
    await store.finish("kept", "1", 120)
    clock.shift(61)
    assert await store.begin("claimed", 60) is None
    assert await store.begin("kept", 60) == "1"
    clock.shift(61)
    assert await store.begin("kept", 60) is None


async def test_of_many_at_once_one_gets_the_claim(
    store: IdempotencyStore, clock: time_machine.Traveller
) -> None:
    outcomes = await asyncio.gather(*(store.begin("k", 60) for _ in range(8)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConflictException) for outcome in outcomes) == 7


class Receipt(BaseModel):
    number: int
    items: list[str]


@dataclass(frozen=True)
class Order(Command[Receipt | None]):
    item: str
    idempotency_key: str | None = None


class Calls(list[str]):
    """What the handler carried out."""


@CommandHandler(Order)
class OrderHandler(ICommandHandler[Order, Receipt | None]):
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def execute(self, command: Order) -> Receipt | None:
        self._calls.append(command.item)
        if command.item == "bad" and len(self._calls) == 1:
            raise ValueError("out of stock")
        return None if command.item == "nothing" else Receipt(number=len(self._calls), items=[command.item])


@pytest.fixture
async def service(start: Any) -> Any:
    root = CqrsModule.for_root(command_behaviours=[IdempotencyBehaviour])
    return await start(Calls, OrderHandler, root=root)


@pytest.fixture
def bus(service: Any) -> CommandBus:
    found: CommandBus = service.module.get(CommandBus)
    return found


@pytest.fixture
def calls(service: Any) -> Calls:
    found: Calls = service.module.get(Calls)
    return found


async def test_a_repetition_gets_the_first_result_in_its_type(bus: CommandBus, calls: Calls) -> None:
    first = await bus.execute(Order("milk", "k1"))
    second = await bus.execute(Order("milk", "k1"))
    assert first == second == Receipt(number=1, items=["milk"])
    assert await bus.execute(Order("nothing", "k2")) is None
    assert await bus.execute(Order("nothing", "k2")) is None
    assert calls == ["milk", "nothing"]


async def test_without_a_key_every_command_is_carried_out(bus: CommandBus, calls: Calls) -> None:
    await bus.execute(Order("milk"))
    await bus.execute(Order("milk"))
    assert calls == ["milk", "milk"]


async def test_a_failed_attempt_leaves_nothing_behind(service: Any, bus: CommandBus, calls: Calls) -> None:
    with pytest.raises(ValueError, match="out of stock"):
        await bus.execute(Order("bad", "k1"))
    assert service.rows("session") == []
    assert await bus.execute(Order("bad", "k1")) == Receipt(number=2, items=["bad"])


async def test_a_key_belongs_to_its_user_and_tenant(bus: CommandBus, calls: Calls) -> None:
    for user, tenant in (("ann", "acme"), ("bob", "acme"), ("ann", "other")):
        with acting_for(MessageContext(user_id=user, tenant_code=tenant)):
            await bus.execute(Order(f"{user} of {tenant}", "k1"))
    assert calls == ["ann of acme", "bob of acme", "ann of other"]


async def test_a_key_is_not_stored_as_it_came(service: Any, bus: CommandBus) -> None:
    await bus.execute(Order("milk", "x" * 5000))
    (row,) = service.rows("session")
    assert "xx" not in row["pk"]["S"]
    assert int(row["ttl"]["N"]) > 1_700_000_000


def test_commands_without_a_key_are_left_alone() -> None:
    class Plain(Command[None]): ...

    class Model(BaseModel, Command[None]):
        idempotency_key: str

    behaviour = IdempotencyBehaviour(InMemoryIdempotencyStore())
    assert [behaviour.applies_to(each) for each in (Plain, Order, Model)] == [False, True, True]
