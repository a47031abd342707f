"""A small service that notes what reaches it."""

import asyncio

from cqrs_nest.common import Controller, Get, Module
from cqrs_nest.cqrs import CommandInput, CommandModel, CommandService, CqrsModule, DataSyncHandler
from cqrs_nest.events import DomainEvent, EventHandler
from cqrs_nest.local import LocalRuntime

SETTINGS = {"APP_NAME": "notes"}


@DataSyncHandler("note")
class Projection:
    """Goes on when a test lets it."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.applied: list[str] = []

    async def up(self, command: CommandModel) -> None:
        await self.goes_on.wait()
        self.applied.append(command.sk)

    async def down(self, command: CommandModel) -> None: ...


@EventHandler(DomainEvent)
class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def execute(self, event: DomainEvent) -> None:
        self.heard.append(str(event.sk))


@Controller("notes")
class NoteController:
    @Get()
    async def list(self) -> list[str]:
        return ["a"]


@Module(
    imports=[CqrsModule.register(table_name="note", data_sync_handlers=[Projection])],
    controllers=[NoteController],
    providers=[Listener],
)
class NoteModule: ...


async def publish(runtime: LocalRuntime, *sks: str) -> None:
    service = runtime.app.get(CommandService)
    for sk in sks:
        await service.publish_async(CommandInput(pk="NOTE#acme", sk=sk, name=sk, type="NOTE"))
