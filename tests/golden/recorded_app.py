"""The application that was recorded, in Python: modules todo (custom handler), note (none), dup (twice)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cqrs_nest.commands import CommandModel, CommandModule, DataSyncHandler
from cqrs_nest.common import Module
from cqrs_nest.cqrs import CqrsModule
from tests.golden.recorded_controllers import CONTROLLERS, HANDLERS


class Probe:
    """What the custom handlers saw, and a switch to make them fail."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.fail: Exception | None = None
        self.hook: Callable[[CommandModel], Awaitable[None]] | None = None

    def reset(self) -> None:
        self.__init__()


probe = Probe()


class TodoRdsHandler:
    async def up(self, command: CommandModel) -> dict[str, Any]:
        probe.calls.append({"handler": "TodoRdsHandler", "cmd": command.to_row()})
        if probe.hook:
            await probe.hook(command)
        if probe.fail:
            raise probe.fail
        return {"ok": True, "sk": command.sk}

    async def down(self, command: CommandModel) -> None: ...


@DataSyncHandler("dup")
class DupHandler:
    async def up(self, command: CommandModel) -> None:
        probe.calls.append({"handler": "DupHandler", "sk": command.sk})

    async def down(self, command: CommandModel) -> None: ...


# Nobody was told of domain events: they are an addition of this framework.
todo_table = CommandModule.register(table_name="todo", data_sync_handlers=[TodoRdsHandler], events="off")
note_table = CommandModule.register(table_name="note", events="off")
dup_table = CommandModule.register(table_name="dup", data_sync_handlers=[DupHandler], events="off")


@Module(imports=[CqrsModule, todo_table], controllers=CONTROLLERS, providers=HANDLERS)
class TodoModule:
    """The routes, and the handlers behind them."""


@Module(imports=[TodoModule, note_table, dup_table])
class MainModule:
    """Everything."""
