"""What tests of the buses share: the three buses by themselves, and an application that has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cqrs_nest.buses import (
    CommandBus,
    EventBus,
    EventBusOptions,
    EventSubscriber,
    UnhandledExceptionBus,
    UnhandledExceptionInfo,
)
from cqrs_nest.cqrs import CqrsModule
from cqrs_nest.testing import Test, TestingModule


class Buses:
    """A command bus and an event bus without a container, and what was reported as unhandled."""

    def __init__(self, **options: Any) -> None:
        self.seen: list[str] = []
        self.unhandled: list[UnhandledExceptionInfo] = []
        self.commands = CommandBus()
        exceptions = UnhandledExceptionBus()
        exceptions.subscribe(self.unhandled.append)
        self.events = EventBus(self.commands, exceptions, EventBusOptions(**options))

    def listen(
        self, name: str, *events: type[Any], does: Callable[[Any], Awaitable[None]] | None = None
    ) -> None:
        """A handler that notes its name among `seen` and then does something."""

        async def handle(event: Any) -> None:
            self.seen.append(name)
            if does is not None:
                await does(event)

        self.events.register(events, EventSubscriber(name, handle))

    def saga(self, event: type[Any], method: Callable[[Any], Awaitable[Any]]) -> None:
        """A saga by the name `Loop.saga`."""

        async def handle(event: Any) -> Any:
            return await method(event)

        self.events.register_saga([event], EventSubscriber("Loop.saga", handle))


async def start(*providers: Any, imports: Sequence[Any] = (CqrsModule,)) -> TestingModule:
    """A started application with these providers."""
    module = await Test.create_testing_module(imports=imports, providers=providers).compile()
    await module.initialize()
    return module


def unhandled_of(module: TestingModule) -> list[UnhandledExceptionInfo]:
    """What will be reported as unhandled from now on."""
    unhandled: list[UnhandledExceptionInfo] = []
    module.get(UnhandledExceptionBus).subscribe(unhandled.append)
    return unhandled
