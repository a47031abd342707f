"""Carries on commands that stand still: their delivery was lost, was given up, or died half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cqrs_nest.aws import AwsSession, DynamoDbService, StepFunctionService, error_code
from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands import CommandTableRegistry, RegisteredTable, remove_sort_key_version
from cqrs_nest.commands.rows import OWED, SYNC_MODE, Row
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.pipeline.broken_rows import defect_of
from cqrs_nest.pipeline.command_progress import NEVER_APPLIED, as_published, is_through
from cqrs_nest.pipeline.command_steps import CommandSteps
from cqrs_nest.pipeline.errors import BrokenCommandError
from cqrs_nest.pipeline.options import PipelineOptions
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.stream_driver import StreamDriver
from cqrs_nest.pipeline.sync_commands import SyncCommandHandler

ITEMS_AT_ONCE = 8
SEGMENT_BYTES = 256_000_000
"""About how much of a table is one part of a recovery."""
CommandId: TypeAlias = tuple[str, str, str]
"""The name of a table, and the key of a command in it."""
_DELIVERY = "recovery"
_WANTED = ("pk", "sk", "version", "status", "syncMode", "updatedAt", "createdAt", OWED)
_UNFINISHED = Condition(
    "attribute_not_exists(#status) OR attribute_exists(#owed)"
    " OR (#status <> :finished AND #status <> :never)",
    {":finished": FINISHED, ":never": NEVER_APPLIED},
    {"#status": "status", "#owed": OWED},
)


@dataclass(frozen=True, slots=True)
class AppliedCommand:
    """A command that was carried on to its end. `table` is the name it was registered under."""

    table: str
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class FailedCommand:
    """A command that could not be carried on, and why."""

    table: str
    pk: str
    sk: str
    error: Exception


@dataclass(slots=True)
class RecoveryResult:
    """What a recovery did. `scanned` counts rows read, of which `stalled` stood still."""

    scanned: int = 0
    stalled: int = 0
    applied: list[AppliedCommand] = field(default_factory=list[AppliedCommand])
    failed: list[FailedCommand] = field(default_factory=list[FailedCommand])

    def add(self, other: RecoveryResult) -> None:
        """Add what another part did."""
        self.scanned += other.scanned
        self.stalled += other.stalled
        self.applied += other.applied
        self.failed += other.failed


@dataclass(frozen=True, slots=True)
class RecoveryPart:
    """A part of a command table; parts may be done in any order, again, and at once."""

    table: str
    segment: int
    segments: int


class CommandRecovery:
    """Finds the commands whose status stands still, and does for each what is still due.

    Every step is safe to repeat, so a recovery may run beside live traffic and beside another one.
    """

    def __init__(
        self,
        pipeline: CommandPipeline,
        stream: StreamDriver,
        sync: SyncCommandHandler,
        registry: CommandTableRegistry,
        session: AwsSession,
        dynamodb: DynamoDbService,
        step_functions: StepFunctionService,
        options: PipelineOptions = PipelineOptions(),
    ) -> None:
        self._pipeline = pipeline
        self._stream = stream
        self._sync = sync
        self._registry = registry
        self._session = session
        self._dynamodb = dynamodb
        self._step_functions = step_functions
        self._has_executions = options.driver == "step-functions"

    async def parts(self, tables: Sequence[str] = ()) -> tuple[list[RecoveryPart], int]:
        """The parts of some tables (none named: of all) and about how many rows they have.

        Raises LookupError for a table that no module registers.
        """
        parts: list[RecoveryPart] = []
        rows = 0
        for name in tables or self._registry.table_names:
            table = self._table(name)
            answer = await self._session.call("dynamodb", "describe_table", TableName=table.table.command)
            found = answer["Table"]
            segments = 1 + found.get("TableSizeBytes", 0) // SEGMENT_BYTES
            parts += [RecoveryPart(table.table.name, segment, segments) for segment in range(segments)]
            rows += found.get("ItemCount", 0)
        return parts, rows

    async def recover(
        self, part: RecoveryPart, older_than: timedelta, *, leave_out: Container[CommandId] = ()
    ) -> RecoveryResult:
        """Carry on the commands of a part that have stood still for longer than `older_than`.

        A command that fails, or one to `leave_out`, keeps the later ones of its item from being carried on,
        and no others.
        """
        table = self._table(part.table)
        result = RecoveryResult()
        start: Row | None = None
        while True:
            page = await self._dynamodb.scan(
                table.table.command,
                start_key=start,
                filter=_UNFINISHED,
                only=_WANTED,
                segment=(part.segment, part.segments) if part.segments > 1 else None,
            )
            # What is no command, the stream has told of.
            commands = [row for row in page.items if defect_of(row) is None]
            stalled = [row for row in commands if _stands_still(row, older_than)]
            result.add(RecoveryResult(page.scanned, len(stalled)))
            result.add(await self._carry_on_items(table, stalled, leave_out))
            start = page.last_key
            if start is None:
                return result

    async def carry_on(self, table: RegisteredTable, pk: str, sk: str) -> list[AppliedCommand]:
        """Apply a command that is still due, and then those that wait behind it.

        Raises what keeps it, or a later one, from being applied.
        """
        result = RecoveryResult()
        await self._carry_on(table, pk, sk, result)
        for failed in result.failed:
            raise failed.error
        return result.applied

    async def _carry_on(
        self,
        table: RegisteredTable,
        pk: str,
        sk: str,
        result: RecoveryResult,
        leave_out: Container[CommandId] = (),
    ) -> None:
        """Note in `result` which commands were applied, up to one that fails or is to be left out."""
        name = table.table.name
        try:
            row = await self._due_row(table, pk, sk)
            while row is not None and (name, pk, row["sk"]) not in leave_out:
                sk = row["sk"]
                steps = self._pipeline.steps(table, row, _DELIVERY)
                if await self._is_left_to_execution(steps, row):
                    return
                await self._apply(table, steps, row)
                result.applied.append(AppliedCommand(name, pk, sk))
                following = await steps.progress.row(steps.version + 1)
                row = following if following is not None and _is_due(following) else None
        except Exception as error:  # noqa: BLE001 - it is reported with the others
            result.failed.append(FailedCommand(name, pk, sk, error))

    async def _carry_on_items(
        self, table: RegisteredTable, rows: Iterable[Row], leave_out: Container[CommandId]
    ) -> RecoveryResult:
        """One item after another, its commands in order; several items at once."""
        items: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            items.setdefault((row["pk"], remove_sort_key_version(row["sk"])), []).append(row)
        results = [RecoveryResult() for _ in items]
        at_once = asyncio.Semaphore(ITEMS_AT_ONCE)

        async def carry_on_item(commands: list[Row], result: RecoveryResult) -> None:
            async with at_once:
                for row in sorted(commands, key=lambda row: int(row.get("version") or 0)):
                    if result.failed or (table.table.name, row["pk"], row["sk"]) in leave_out:
                        return
                    await self._carry_on(table, row["pk"], row["sk"], result, leave_out)

        await asyncio.gather(*map(carry_on_item, items.values(), results))
        together = RecoveryResult()
        for result in results:
            together.add(result)
        return together

    async def _apply(self, table: RegisteredTable, steps: CommandSteps, row: Row) -> None:
        if row.get("syncMode") == SYNC_MODE:
            await self._sync.carry_on(steps, row, retry_parked=True)
        else:
            await self._stream.apply(table, row, _DELIVERY, retry_parked=True)
        after = await steps.progress.state()
        if after is not None and _is_due(after):
            raise RuntimeError(f"{steps!r} still has the status {after.get('status')}; nothing could be done")

    async def _is_left_to_execution(self, steps: CommandSteps, row: Row) -> bool:
        """Whether an execution of the state machine waits with the command, and goes on in its turn."""
        token = row.get("taskToken")
        if not self._has_executions or not token:
            return False
        previous = await steps.progress.state(steps.version - 1)
        if previous is not None and not is_through(previous):
            return True
        output = {"result": "resumed_by_prev_version", "prevVersion": steps.version - 1}
        try:
            await self._step_functions.resume_execution(token, output)
        except Exception as error:
            if error_code(error) not in ("TaskDoesNotExist", "TaskTimedOut"):
                raise
            return False
        return True

    async def _due_row(self, table: RegisteredTable, pk: str, sk: str) -> Row | None:
        key = {"pk": pk, "sk": sk}
        row = await self._dynamodb.get_item(table.table.command, key, consistent_read=True, attributes="keep")
        if row is None or not _is_due(row):
            return None
        if (defect := defect_of(row)) is not None:
            raise BrokenCommandError(table.table.command, pk, sk, defect)
        return as_published(row)

    def _table(self, name: str) -> RegisteredTable:
        table = self._registry.table(name)
        if table is None:
            known = ", ".join(self._registry.table_names)
            raise LookupError(f"No module registers the table {name!r}; registered are: {known}.")
        return table


def _is_due(row: Row) -> bool:
    return row.get("status") not in (FINISHED, NEVER_APPLIED) or OWED in row


def _stands_still(row: Row, limit: timedelta) -> bool:
    """Whether a row has not changed for that long; one without a date has."""
    changed = row.get("updatedAt") or row.get("createdAt")
    return not isinstance(changed, datetime) or datetime.now(UTC) - changed >= limit
