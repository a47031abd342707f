"""Recognises the records that concern command tables."""

from __future__ import annotations

from cqrs_nest.commands import CommandTableRegistry
from cqrs_nest.commands.rows import SYNC_MODE
from cqrs_nest.events import AwsEvent, DynamoDbStreamEvent, EventFactory, StepFunctionsEvent
from cqrs_nest.pipeline.broken_rows import defect_of
from cqrs_nest.pipeline.command_events import (
    BrokenCommandEvent,
    CommandStateEvent,
    NewCommandEvent,
    SyncCommandEvent,
)
from cqrs_nest.pipeline.errors import InvalidPipelineError


@EventFactory()
class CommandEventFactory:
    """Takes the stream records of registered command tables and the states of their executions."""

    def __init__(self, registry: CommandTableRegistry) -> None:
        self._registry = registry

    def transform_dynamodb_stream(self, record: DynamoDbStreamEvent) -> list[AwsEvent] | None:
        """New commands, to be applied or applied already. Nothing for other changes.

        Raises InvalidPipelineError for a stream without new images, which the application cannot do without.
        """
        if not self._is_command_table(record.table_name):
            return None
        if record.event_name in ("MODIFY", "REMOVE"):
            return []
        defect = _defect_of(record)
        if defect is not None:
            broken = BrokenCommandEvent(record.record)
            broken.defect = defect
            return [broken]
        is_applied = (record.new_image or {}).get("syncMode") == SYNC_MODE
        return [SyncCommandEvent(record.record) if is_applied else NewCommandEvent(record.record)]

    def transform_step_function(self, record: StepFunctionsEvent) -> list[AwsEvent] | None:
        """The states of an execution that a new command started."""
        started_with = record.execution_input
        if "dynamodb" not in started_with:
            return None
        table = DynamoDbStreamEvent(started_with).table_name
        return [CommandStateEvent(record.record)] if self._is_command_table(table) else None

    def _is_command_table(self, name: str) -> bool:
        entry = self._registry.table(name)
        return entry is not None and entry.table.command == name


def _defect_of(record: DynamoDbStreamEvent) -> str | None:
    if record.event_name != "INSERT":
        return f"a stream knows no change called {record.event_name!r}"
    try:
        row = record.new_image
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        return f"it cannot be read ({type(error).__name__})"
    if row is None:
        raise InvalidPipelineError(
            f"The stream of {record.table_name} carries no new images.\n"
            "  Give it the StreamViewType NEW_IMAGE or NEW_AND_OLD_IMAGES."
        )
    return defect_of(row)
