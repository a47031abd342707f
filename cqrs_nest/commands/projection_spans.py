"""Spans around the handlers that project commands."""

from __future__ import annotations

from typing import Any

from cqrs_nest.commands.data_sync_handler import IDataSyncHandler, replay_of
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.core.tracing import Tracing


class TracedHandler:
    """A data sync handler with a span around each call."""

    def __init__(self, handler: IDataSyncHandler, name: str, table: str, tracing: Tracing) -> None:
        self._handler = handler
        self._name = f"projection {name}"
        self._attributes = {"cqrs_nest.table": table}
        self._tracing = tracing

    async def up(self, command: CommandModel) -> Any:
        """Apply a command."""
        with self._tracing.span(self._name, attributes=self._attributes):
            return await self._handler.up(command)

    async def down(self, command: CommandModel) -> Any:
        """Take a command back."""
        with self._tracing.span(self._name, attributes=self._attributes):
            return await self._handler.down(command)

    async def replay(self, command: CommandModel) -> Any:
        """Write an item anew."""
        with self._tracing.span(self._name, attributes=self._attributes):
            return await replay_of(self._handler)(command)
