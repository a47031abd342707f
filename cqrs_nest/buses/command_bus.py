"""The command bus: one command, one handler, one result."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from cqrs_nest.buses.errors import CommandHandlerNotFoundException
from cqrs_nest.buses.message_bus import MessageBus
from cqrs_nest.buses.messages import Command
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE

ResultT = TypeVar("ResultT")


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule to the imports of {module}")
class CommandBus(MessageBus):
    """Hands a command to its handler."""

    kind = "command"
    not_found = CommandHandlerNotFoundException

    def execute(self, command: Command[ResultT]) -> Coroutine[Any, Any, ResultT]:
        """Carry the command out and give its handler's result. Errors of the handler arrive unchanged.

        Raises CommandHandlerNotFoundException, at the call, when no class handles the command.

        >>> import asyncio
        >>> class Ping(Command[str]): ...
        >>> async def pong(command: Ping) -> str:
        ...     return "pong"
        >>> bus = CommandBus()
        >>> bus.register(Ping, pong)
        >>> asyncio.run(bus.execute(Ping()))
        'pong'
        """
        cls = type(command)
        return (self._compiled.get(cls) or self._compile(cls))(command)
