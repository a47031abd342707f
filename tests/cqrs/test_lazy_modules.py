"""Handlers of modules that are loaded into a running application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from cqrs_nest.common import Module
from cqrs_nest.core import LazyModuleLoader
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CommandHandlerNotFoundException,
    EventBus,
    EventsHandler,
    HandlerSetupError,
    ICommandHandler,
    IEventHandler,
)
from cqrs_nest.testing import TestingModule
from tests.buses.application import start


@dataclass(frozen=True)
class Known(Command[str]): ...


@dataclass(frozen=True)
class Late(Command[str]): ...


@dataclass(frozen=True)
class Happened:
    what: str


@CommandHandler(Known)
class KnownHandler(ICommandHandler[Known, str]):
    async def execute(self, command: Known) -> str:
        return "known"


@CommandHandler(Known)
class SecondKnownHandler(ICommandHandler[Known, str]):
    async def execute(self, command: Known) -> str:
        return "second"


@CommandHandler(Late)
class LateHandler(ICommandHandler[Late, str]):
    async def execute(self, command: Late) -> str:
        return "late"


@EventsHandler(Happened)
class Listener(IEventHandler[Happened]):
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def handle(self, event: Happened) -> None:
        self.heard.append(event.what)


@Module(providers=[LateHandler, Listener])
class LateModule: ...


@Module(providers=[LateHandler, SecondKnownHandler])
class WrongModule: ...


@pytest.fixture
async def module() -> AsyncIterator[TestingModule]:
    async with await start(KnownHandler) as module:
        yield module


async def test_they_are_connected_once(module: TestingModule) -> None:
    with pytest.raises(CommandHandlerNotFoundException):
        await module.get(CommandBus).execute(Late())
    for _ in range(2):
        await module.get(LazyModuleLoader).load(LateModule)
    assert await module.get(CommandBus).execute(Late()) == "late"
    await module.get(EventBus).publish(Happened("now"))
    assert module.get(Listener).heard == ["now"]


async def test_of_a_module_with_a_wrong_one_none_is_connected(module: TestingModule) -> None:
    for _ in range(2):
        with pytest.raises(HandlerSetupError, match=r"KnownHandler(.|\n)*SecondKnownHandler"):
            await module.get(LazyModuleLoader).load(WrongModule)
    with pytest.raises(CommandHandlerNotFoundException):
        await module.get(CommandBus).execute(Late())
    assert await module.get(CommandBus).execute(Known()) == "known"
    await module.get(LazyModuleLoader).load(LateModule)
    assert await module.get(CommandBus).execute(Late()) == "late"
