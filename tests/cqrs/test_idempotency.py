"""A command with an idempotency key is carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pydantic import BaseModel, ConfigDict, computed_field
from pydantic.alias_generators import to_camel

from cqrs_nest.common import ConflictException, DynamicModule
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CommandModel,
    CqrsModule,
    HandlerSetupError,
    ICommandHandler,
    IdempotencyBehaviour,
    IdempotencyResultError,
    IdempotencyStore,
    InMemoryIdempotencyStore,
    MessageContext,
    acting_for,
)
from tests.buses.application import start as start_module


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
    assert await store.begin("k", "one", 60) is None
    with pytest.raises(ConflictException, match="still in progress"):
        await store.begin("k", "two", 60)
    assert await store.finish("k", "one", '"done"', 60)
    assert await store.begin("k", "two", 60) == '"done"'
    assert await store.begin("other", "two", 60) is None


async def test_a_forgotten_key_can_be_claimed_again(store: IdempotencyStore) -> None:
    await store.begin("k", "one", 60)
    await store.forget("k", "one")
    assert await store.begin("k", "two", 60) is None


async def test_claims_and_results_expire(store: IdempotencyStore, clock: time_machine.Traveller) -> None:
    await store.begin("claimed", "one", 60)
    await store.begin("kept", "one", 60)
    await store.finish("kept", "one", "1", 120)
    clock.shift(61)
    assert await store.begin("claimed", "two", 60) is None
    assert await store.begin("kept", "two", 60) == "1"
    clock.shift(61)
    assert await store.begin("kept", "two", 60) is None


async def test_only_the_owner_finishes_or_gives_up_a_claim(
    store: IdempotencyStore, clock: time_machine.Traveller
) -> None:
    await store.begin("k", "slow", 60)
    clock.shift(61)
    assert await store.begin("k", "second", 60) is None
    await store.forget("k", "slow")
    assert not await store.finish("k", "slow", '"slow"', 60)
    with pytest.raises(ConflictException):
        await store.begin("k", "third", 60)
    assert await store.finish("k", "second", '"second"', 60)
    assert not await store.finish("k", "slow", '"slow"', 60)
    assert await store.begin("k", "third", 60) == '"second"'


async def test_an_expired_claim_that_nobody_took_is_still_finished(
    store: IdempotencyStore, clock: time_machine.Traveller
) -> None:
    await store.begin("k", "slow", 60)
    clock.shift(61)
    assert await store.finish("k", "slow", '"slow"', 60)
    assert await store.finish("taken away by then", "slow", '"slow"', 60)
    assert await store.begin("k", "other", 60) == '"slow"'


async def test_of_many_at_once_one_gets_the_claim(
    store: IdempotencyStore, clock: time_machine.Traveller
) -> None:
    outcomes = await asyncio.gather(
        *(store.begin("k", f"owner {number}", 60) for number in range(8)), return_exceptions=True
    )
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


def keyed(result: Any) -> Any:
    """A command with a key, declared to give `result`, which may be `Any`."""

    @dataclass(frozen=True)
    class Keyed(Command[result]):
        idempotency_key: str = "k1"

    return Keyed


def handled_by(command: Any, gives: Callable[[], Awaitable[Any]]) -> type[Any]:
    @CommandHandler(command)
    class Handler(ICommandHandler[Any, Any]):
        async def execute(self, command: Any) -> Any:
            return await gives()

    return Handler


def alone(store: IdempotencyStore) -> DynamicModule:
    """The buses with this store."""
    return CqrsModule.for_root(command_behaviours=[IdempotencyBehaviour(store)])


class Connection: ...


@pytest.mark.parametrize(
    ("result", "problem"),
    [(Any, r"does not say what its result is.*\n.*Command\[None\]"), (Connection, "cannot be kept as JSON")],
)
async def test_a_result_that_cannot_be_kept_stops_the_start(result: Any, problem: str) -> None:
    async def connect() -> Any: ...

    handler = handled_by(keyed(result), connect)
    with pytest.raises(HandlerSetupError, match=rf"Keyed has an idempotency_key.*{problem}"):
        await start_module(handler, imports=[alone(InMemoryIdempotencyStore())])


async def test_a_result_that_is_not_the_declared_one_is_not_kept_and_not_quoted() -> None:
    calls: list[str] = []

    async def lie() -> Any:
        calls.append("call")
        return "secret"

    command = keyed(int)
    async with await start_module(
        handled_by(command, lie), imports=[alone(InMemoryIdempotencyStore())]
    ) as module:
        bus = module.get(CommandBus)
        with pytest.raises(
            IdempotencyResultError, match=r"Keyed is carried out, but .* a str, is not"
        ) as raised:
            await bus.execute(command())
        assert "secret" not in str(raised.value)
        with pytest.raises(ConflictException):
            await bus.execute(command())
    assert calls == ["call"]


async def test_a_kept_result_of_another_version_is_told_and_not_quoted() -> None:
    class Ending(InMemoryIdempotencyStore):
        async def begin(self, key: str, owner: str, seconds: int) -> str | None:
            return '"secret"'

    command = keyed(int)
    async with await start_module(
        handled_by(command, asyncio.Event().wait), imports=[alone(Ending())]
    ) as module:
        with pytest.raises(IdempotencyResultError, match=r"not of the type .* declares now") as raised:
            await module.get(CommandBus).execute(command())
        assert "secret" not in str(raised.value)


class ByAlias(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")
    item_count: int

    @computed_field
    def doubled(self) -> int:
        return 2 * self.item_count


@pytest.mark.parametrize(
    ("declared", "result"),
    [
        (ByAlias, ByAlias(itemCount=3)),
        (tuple[datetime, Decimal], (datetime(2024, 1, 2, tzinfo=UTC), Decimal("1.10"))),
        (
            CommandModel | None,
            CommandModel(
                pk="TODO#acme",
                sk="A1@1",
                id="A1",
                code="A1",
                name="milk",
                version=1,
                type="TODO",
                tenant_code="acme",
                attributes={"done": True},
            ),
        ),
    ],
)
async def test_results_come_back_as_they_were(declared: Any, result: Any) -> None:
    async def give() -> Any:
        return result

    command = keyed(declared)
    async with await start_module(
        handled_by(command, give), imports=[alone(InMemoryIdempotencyStore())]
    ) as module:
        bus = module.get(CommandBus)
        assert await bus.execute(command()) == await bus.execute(command()) == result


async def test_a_cancelled_attempt_keeps_its_claim_as_its_effect_may_stand() -> None:
    begun = asyncio.Event()

    async def take_effect() -> None:
        if begun.is_set():
            return
        begun.set()
        await asyncio.Event().wait()

    command = keyed(None)
    async with await start_module(
        handled_by(command, take_effect), imports=[alone(InMemoryIdempotencyStore())]
    ) as module:
        bus = module.get(CommandBus)
        attempt = asyncio.create_task(bus.execute(command()))
        await begun.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        with pytest.raises(ConflictException):
            await bus.execute(command())


async def test_keys_whose_time_is_over_take_no_memory() -> None:
    store = InMemoryIdempotencyStore()
    with time_machine.travel(1_000_000, tick=False) as clock:
        for number in range(100):
            assert await store.begin(f"key {number}", "me", seconds=5) is None
            assert await store.finish(f"key {number}", "me", "done", seconds=60)
            clock.shift(10)
    assert len(store._kept) == 6


async def test_a_result_is_kept_although_its_caller_is_gone() -> None:
    keeping, release = asyncio.Event(), asyncio.Event()

    class Slow(InMemoryIdempotencyStore):
        async def finish(self, key: str, owner: str, result: str, seconds: int) -> bool:
            keeping.set()
            await release.wait()
            return await super().finish(key, owner, result, seconds)

    calls: list[str] = []

    async def give() -> int:
        calls.append("call")
        return 7

    command, store = keyed(int), Slow()
    behaviour = IdempotencyBehaviour(store)
    async with await start_module(
        handled_by(command, give), imports=[CqrsModule.for_root(command_behaviours=[behaviour])]
    ) as module:
        bus = module.get(CommandBus)
        attempt = asyncio.create_task(bus.execute(command()))
        await keeping.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        release.set()
        await behaviour.before_application_shutdown()
        assert await bus.execute(command()) == 7
    assert calls == ["call"]


async def test_a_claim_that_another_attempt_has_taken_over_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Overtaken(InMemoryIdempotencyStore):
        async def finish(self, key: str, owner: str, result: str, seconds: int) -> bool:
            return False

    async def give() -> int:
        return 7

    command = keyed(int)
    async with await start_module(handled_by(command, give), imports=[alone(Overtaken())]) as module:
        assert await module.get(CommandBus).execute(command()) == 7
    assert "Keyed took longer than its claim of 60 s" in caplog.text


async def test_the_handlers_error_comes_through_when_the_claim_cannot_be_given_up() -> None:
    class Down(InMemoryIdempotencyStore):
        async def forget(self, key: str, owner: str) -> None:
            raise ConnectionError("down")

    async def fail() -> int:
        raise ValueError("out of stock")

    command = keyed(int)
    async with await start_module(handled_by(command, fail), imports=[alone(Down())]) as module:
        with pytest.raises(ValueError, match="out of stock") as raised:
            await module.get(CommandBus).execute(command())
    assert "The claim of the idempotency key stays" in "".join(raised.value.__notes__)
