"""What a bus adds to a direct call of its handler, beside mediatr and python-cqrs in one interleaved run.

python -m benchmarks buses

Two readings: a command made for each call, as applications do, and one command sent again and again, which
leaves the calls alone. "3 coroutines by hand" is what three behaviours cost at least: they are awaited one
inside the other, and no bus is there.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any, TypeAlias

from benchmarks.figure import Figure, at_most, beside

CALLS = 5000
HANDLERS = 10_000

Send: TypeAlias = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Contender:
    """A way to send a command: the class of command that it wants, and the call."""

    name: str
    command: Callable[[str], Any]
    send: Send


def ours() -> list[Contender]:
    from cqrs_nest.buses import Behaviour, Command, CommandBus, Next

    @dataclass(frozen=True)
    class Create(Command[int]):
        name: str

    class Handler:
        async def execute(self, command: Create) -> int:
            return len(command.name)

    class PassOn(Behaviour):
        async def handle(self, message: Any, next: Next) -> Any:
            return await next(message)

    async def by_hand(command: Create) -> int:
        return await second(command)

    async def second(command: Create) -> int:
        return await third(command)

    async def third(command: Create) -> int:
        return await handler.execute(command)

    handler = Handler()
    plain, surrounded = CommandBus(), CommandBus()
    for bus in (plain, surrounded):
        bus.register(Create, handler.execute)
    surrounded.use(PassOn(), PassOn(), PassOn())
    return [
        Contender("direct call", Create, handler.execute),
        Contender("3 coroutines by hand", Create, by_hand),
        Contender("cqrs_nest", Create, plain.execute),
        Contender("cqrs_nest, 3 behaviours", Create, surrounded.execute),
    ]


def of_mediatr() -> list[Contender]:
    from mediatr import Mediator

    @dataclass(frozen=True)
    class Create:
        name: str

    @dataclass(frozen=True)
    class CreateSurrounded:
        name: str

    for command in (Create, CreateSurrounded):

        class Handler:
            async def handle(self, request: Any) -> int:
                return len(request.name)

        Handler.handle.__annotations__["request"] = command
        Mediator.handler(Handler)

    for _ in range(3):

        class PassOn:
            async def handle(self, request: Any, next: Any) -> Any:
                return await next()

        PassOn.handle.__annotations__["request"] = CreateSurrounded
        Mediator.behavior(PassOn)

    mediator = Mediator()
    return [
        Contender("mediatr", Create, mediator.send_async),
        Contender("mediatr, 3 behaviours", CreateSurrounded, mediator.send_async),
    ]


def of_python_cqrs() -> list[Contender]:
    import cqrs
    import di
    from cqrs.bootstrap.requests import setup_event_emitter, setup_mediator
    from cqrs.container.di import DIContainer

    @dataclass
    class Create(cqrs.DCRequest):
        name: str

    class Handler(cqrs.RequestHandler[Create, Any]):
        @property
        def events(self) -> list[Any]:
            return []

        async def handle(self, request: Create) -> int:
            return len(request.name)

    class PassOn:
        async def __call__(self, request: Any, handle: Any) -> Any:
            return await handle(request)

    def mediator(*middlewares: Any) -> Any:
        container = DIContainer()
        container.attach_external_container(di.Container())
        emitter = setup_event_emitter(container=container)
        return setup_mediator(
            emitter, container, middlewares, commands_mapper=lambda mapper: mapper.bind(Create, Handler)
        )

    return [
        Contender("python-cqrs", Create, mediator().send),
        Contender("python-cqrs, 3 middlewares", Create, mediator(PassOn(), PassOn(), PassOn()).send),
    ]


async def cpu_of_one_command(send: Send, command: Any) -> float:
    """Nanoseconds to send a command that is there."""
    started = process_time()
    for _ in range(CALLS):
        await send(command)
    return (process_time() - started) / CALLS * 1e9


async def cpu_of_new_commands(send: Send, create: Callable[[str], Any]) -> float:
    """Nanoseconds to make a command and send it, as applications do."""
    started = process_time()
    for _ in range(CALLS):
        await send(create("milk"))
    return (process_time() - started) / CALLS * 1e9


async def measure_calls(rounds: int) -> list[Figure]:
    """Each way to send beside a direct call of the handler."""
    contenders = [*ours(), *of_mediatr(), *of_python_cqrs()]
    samples: dict[str, list[tuple[float, float]]] = {each.name: [] for each in contenders}
    for _ in range(rounds + 1):
        for each in contenders:
            samples[each.name].append(
                (
                    await cpu_of_new_commands(each.send, each.command),
                    await cpu_of_one_command(each.send, each.command("milk")),
                )
            )
    direct = samples.pop(contenders[0].name)
    goals = {"cqrs_nest": at_most(2), "cqrs_nest, 3 behaviours": at_most(3)}
    figures: list[Figure] = []
    for name, measured in samples.items():
        for form, kind in enumerate(("a new command", "the same command")):
            pairs = [(one[form], base[form]) for one, base in zip(measured, direct, strict=True)]
            goal = None if form else goals.get(name)
            figures.append(beside(f"{name}: {kind}", "ns", pairs, "direct call", goal))
    return figures


def handler_class() -> type[Any]:
    from cqrs_nest.buses import Command, CommandHandler, ICommandHandler

    class Create(Command[int]): ...

    @CommandHandler(Create)
    class Handler(ICommandHandler[Create, int]):
        async def execute(self, command: Create) -> int:
            return 1

    return Handler


async def measure_start(rounds: int) -> Figure:
    """Milliseconds to find, check and connect the handlers of an application that is built."""
    from cqrs_nest.buses import BusExplorer, CommandBus, EventBus, QueryBus, UnhandledExceptionBus
    from cqrs_nest.common import DynamicModule
    from cqrs_nest.core import Container

    buses = [BusExplorer, CommandBus, EventBus, QueryBus, UnhandledExceptionBus]
    classes = [handler_class() for _ in range(HANDLERS)]
    times: list[float] = []
    for _ in range(rounds):

        class Root: ...

        container = await Container.create(DynamicModule(Root, providers=[*buses, *classes]))
        explorer = container.get(BusExplorer)
        # The classes of this benchmark are garbage of its own making, not of the start.
        gc.collect()
        gc.freeze()
        started = process_time()
        explorer.start()
        times.append((process_time() - started) * 1e3)
        gc.unfreeze()
    return Figure(f"{HANDLERS:,} handlers found and connected", "ms", median(times), goal=at_most(100))


def measure(rounds: int = 25) -> list[Figure]:
    """Calls beside a direct one, and what 10,000 handlers cost at start."""
    return [*asyncio.run(measure_calls(rounds)), asyncio.run(measure_start(5))]
