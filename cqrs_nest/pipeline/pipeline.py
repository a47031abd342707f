"""`CommandPipeline`: finds the table of a command and gives the steps for it."""

from __future__ import annotations

from cqrs_nest.aws import DynamoDbService, S3Service, SnsService
from cqrs_nest.commands import CommandTableRegistry, RegisteredTable
from cqrs_nest.commands.rows import Row
from cqrs_nest.pipeline.command_events import CommandStreamEvent
from cqrs_nest.pipeline.command_steps import CommandSteps


class CommandPipeline:
    """Makes the steps of commands, for all registered tables."""

    def __init__(
        self, registry: CommandTableRegistry, dynamodb: DynamoDbService, s3: S3Service, sns: SnsService
    ) -> None:
        self._registry = registry
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sns = sns

    def table_of(self, event: CommandStreamEvent) -> RegisteredTable:
        """The registered table whose stream the event comes from."""
        table = self._registry.table(event.table_name)
        if table is None:
            raise LookupError(f"No module registers the command table {event.table_name!r}.")
        return table

    def steps_of(self, event: CommandStreamEvent, execution: str | None = None) -> CommandSteps:
        """The steps for the command of a stream record; `execution` is where they run, for alarms."""
        delivery = execution or str(event.record.get("eventID", ""))
        return self.steps(self.table_of(event), event.row, delivery)

    def steps(self, table: RegisteredTable, row: Row, execution: str) -> CommandSteps:
        """The steps for a command row."""
        return CommandSteps(table, row, execution, self._dynamodb, self._s3, self._sns)
