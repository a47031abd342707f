"""Applying a command: what one command row changes in data, history and the previous command's TTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import (
    ITEM_EXISTS,
    ITEM_NOT_EXISTS,
    Condition,
    Put,
    TableType,
    TransactionItem,
    Update,
    UpdateExpression,
    cancellation_reasons,
)
from cqrs_nest.commands.keys import add_sort_key_version, get_tenant_code
from cqrs_nest.commands.rows import Row, data_row, history_row
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import Injectable


@Injectable()
class CommandApplication:
    """Applies commands of one table, each in one transaction.

    Both `CommandService.publish_sync` and the pipeline use it, so that the rows they leave cannot differ.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService, ttl: TtlService) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._ttl = ttl

    async def apply(
        self,
        command: Mapping[str, Any],
        existing: Mapping[str, Any] | None,
        *,
        csk: str,
        also: Sequence[TransactionItem] = (),
    ) -> Row:
        """Write, all or nothing: `also`, the data row, the history row and the previous command's TTL.

        `command` is the full command row (attributes loaded, sort key with version). `existing` is the data
        row as the caller read it (strongly consistent), None when there is none; the transaction holds
        only while that row still has the same version. `csk` is the sort key that the data row names as
        its command's: with version from the pipeline, without from a sync publish. `also` comes first
        in the transaction, in its order: the command's own put or its status update.

        Gives the data row as written. The history row holds `existing` and is written only when there is
        one; the previous command gets the COMMAND TTL, unless it has it or has expired.

        Raises ClientError `TransactionCanceledException`, with nothing written, when a condition of
        `also` or the data row's version does not hold.
        """
        data = data_row(command, existing, csk)
        writes = [*also, Put(self._table.data, data, _unchanged(existing))]
        if existing is not None:
            ttl = await self._ttl.calculate_ttl(TableType.HISTORY, get_tenant_code(command["pk"]))
            writes.append(Put(self._table.history, history_row(existing, ttl)))
        expiry = await self._previous_expiry(command, existing)
        try:
            await self._dynamodb.transact_write([*writes, *expiry])
        except Exception as error:
            if not expiry or _failures(error) != [len(writes)]:
                raise
            # Only the previous command is gone, which is what its TTL was for.
            await self._dynamodb.transact_write(writes)
        if existing is not None:
            await self._dynamodb.discard_attributes(self._table.data, existing)
        return data

    async def _previous_expiry(
        self, command: Mapping[str, Any], existing: Mapping[str, Any] | None
    ) -> list[TransactionItem]:
        """The TTL of the command before, if it changes.

        A command and the data row it made have the same `ttl`, so the data row tells what the command has.
        """
        previous = command["version"] - 1
        if previous < 1:
            return []
        ttl = await self._ttl.calculate_ttl(TableType.COMMAND, get_tenant_code(command["pk"]))
        if existing is not None and "ttl" in existing and existing["ttl"] == ttl:
            return []
        key = {"pk": command["pk"], "sk": add_sort_key_version(command["sk"], previous)}
        return [Update(self._table.command, key, UpdateExpression(set={"ttl": ttl}), ITEM_EXISTS)]


def _unchanged(existing: Mapping[str, Any] | None) -> Condition:
    """Holds while the data row is the one that was read."""
    if existing is None:
        return ITEM_NOT_EXISTS
    if "version" not in existing:
        return Condition("attribute_not_exists(version)")
    return Condition("version = :version", {":version": existing["version"]})


def _failures(error: BaseException) -> list[int]:
    """The places in the transaction whose condition did not hold."""
    return [i for i, code in enumerate(cancellation_reasons(error)) if code == "ConditionalCheckFailed"]
