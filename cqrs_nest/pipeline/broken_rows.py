"""Rows of a command table that are no command: told of and left, as no repetition makes commands of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import SnsService
from cqrs_nest.commands import add_sort_key_version, remove_sort_key_version
from cqrs_nest.common.logger import Logger
from cqrs_nest.events import EventHandler
from cqrs_nest.pipeline.alarms import alarm_message, dead_letter_message
from cqrs_nest.pipeline.command_events import BrokenCommandEvent
from cqrs_nest.pipeline.failures import FailedCommands
from cqrs_nest.pipeline.pipeline import CommandPipeline


def defect_of(row: Mapping[str, Any]) -> str | None:
    """Why a row is no command that could be applied; None for one that is. Nothing of its content is told.

    >>> defect_of({"pk": "TODO#acme", "sk": "A1@1"})
    'its version is missing, and must be a number from 1 on'
    >>> defect_of({"pk": "TODO#acme", "sk": "A1@1", "version": 2})
    'its sort key must end in @2'
    """
    version = row.get("version")
    if type(version) is not int or version < 1:
        found = "missing" if version is None else f"a {type(version).__name__} of another form"
        return f"its version is {found}, and must be a number from 1 on"
    sk = row.get("sk")
    if not isinstance(sk, str) or sk != add_sort_key_version(remove_sort_key_version(sk), version):
        return f"its sort key must end in @{version}"
    return None


@EventHandler(BrokenCommandEvent)
class BrokenCommandHandler:
    """Raises the alarm and, where there is one, fills the dead-letter queue; then the stream goes on.

    The row is not touched: it may be another program's. Once it is mended, `redrive` applies it.
    """

    def __init__(self, pipeline: CommandPipeline, failed: FailedCommands, sns: SnsService) -> None:
        self._pipeline = pipeline
        self._failed = failed
        self._sns = sns
        self._logger = Logger("Pipeline")

    async def execute(self, event: BrokenCommandEvent) -> None:
        """Tell of it. Raises what keeps it from being told, so that the record comes again."""
        table, delivery = self._pipeline.table_of(event).table, str(event.record.get("eventID", ""))
        reason = f"{event!r} is no command: {event.defect}."
        await self._failed.park(dead_letter_message(table.command, event.keys, reason, delivery))
        await self._sns.publish_alarm(alarm_message(table.name, event.keys, reason, delivery))
        self._logger.error("%s The stream goes on without it.", reason)
