"""A service whose handler fails for one name and hangs for another, for commands of the command line."""

from __future__ import annotations

import asyncio
import os

from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Module
from cqrs_nest.cqrs import CommandModel, CqrsModule, DataSyncHandler, RetryPolicy


@DataSyncHandler("todo", retry=RetryPolicy(attempts=1))
class TodoProjection:
    """Fails for the name in POISON, hangs for the one in SLOW."""

    async def up(self, command: CommandModel) -> None:
        if command.name == os.environ.get("POISON"):
            raise RuntimeError(f"no room for {command.name}")
        if command.name == os.environ.get("SLOW"):
            await asyncio.sleep(3600)

    async def down(self, command: CommandModel) -> None: ...


@Module(
    imports=[CqrsModule.register(table_name="note"), CqrsModule.register(table_name="todo")],
    providers=[TodoProjection],
)
class Root: ...


app = CqrsNest.asgi(Root)
