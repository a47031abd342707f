"""`DynamoDbService`: DynamoDB in plain Python values."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Literal, TypeVar

from cqrs_nest.aws.dynamodb.attribute_offload import AttributeOffload
from cqrs_nest.aws.dynamodb.attribute_values import (
    AttributeMap,
    Item,
    deserialize_item,
    serialize_item,
)
from cqrs_nest.aws.dynamodb.client import DynamoDbClient
from cqrs_nest.aws.dynamodb.expressions import AttributePath, Condition, Placeholders, UpdateExpression
from cqrs_nest.aws.dynamodb.failures import is_own_retry
from cqrs_nest.aws.dynamodb.requests import keyed_request, put_request, transact_item, update_request
from cqrs_nest.aws.dynamodb.table_names import TableType, table_name
from cqrs_nest.aws.dynamodb.transactions import (
    Put,
    TransactionItem,
    Update,
    cancellation_reasons,
    written_attributes,
)
from cqrs_nest.aws.errors import error_code
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment

Key = Mapping[str, str]
WriteT = TypeVar("WriteT", bound=TransactionItem)
Order = Literal["asc", "desc"]
Reading = Literal["load", "load or keep", "keep"]
"""What becomes of a reference to attributes in S3: they are read; they are read, but when they are lost
the reference stays; it stays in any case, so that nothing is read from S3."""

BATCH_GET_KEYS = 100
_REFUSALS = ("ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException")
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Why a transaction is cancelled that may go through a moment later; botocore does not try it again."""
ATTEMPTS = 8


@dataclass(frozen=True)
class Page:
    """Some items and the key to go on from; `last_key` is None after the last page."""

    items: list[Item]
    last_key: Item | None
    scanned: int = 0
    """How many items were read for it, those that a filter took out included."""


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class DynamoDbService:
    """Reads and writes items as dicts with the wire's camelCase names.

    Large `attributes` go to S3 and come back on their own. Refused calls raise botocore's ClientError.
    """

    def __init__(self, client: DynamoDbClient, offload: AttributeOffload, environment: Environment) -> None:
        self._client = client
        self._offload = offload
        self._environment = environment

    def get_table_name(self, module: str, type: TableType | str | None = None) -> str:
        """The physical name of a module's table."""
        return table_name(self._environment, module, type)

    async def put_item(
        self,
        table: str,
        item: Mapping[str, Any],
        condition: Condition | str | None = None,
        spare_bytes: int = 0,
    ) -> None:
        """Write a whole item.

        Raises ItemTooLargeError, with nothing sent, unless it leaves `spare_bytes` of the 400 KB.

        Raises ClientError `ConditionalCheckFailedException`, with the item that is there under
        `response["Item"]`, when the condition does not hold.
        """
        [put] = await self._offloaded([Put(table, item, condition, spare_bytes)])
        request = put_request(put)
        try:
            await self._client.put_item(**request)
        except Exception as error:
            if is_own_retry(error, request["Item"]):
                return
            await self._discard_unwritten(error, [request])
            raise

    async def offload(self, table: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The item as `put_item` would store it: large `attributes` are in S3 afterwards, and referred to."""
        return await self._offload.store(table, item)

    async def discard_attributes(self, table: str, item: Mapping[str, Any]) -> None:
        """Delete the S3 object of an item that has been replaced; a failure is only logged."""
        await self._offload.discard(table, item)

    async def get_item(
        self,
        table: str,
        key: Key,
        consistent_read: bool = False,
        only: Sequence[str] = (),
        attributes: Reading = "load",
    ) -> Item | None:
        """The item of a key, or None. `only` names the attributes that are wanted, when not all are.

        Raises ClientError `NoSuchKey` when large `attributes` are lost, unless references may stay.
        """
        found = await self._get(table, serialize_item(key), consistent_read, only)
        return (
            None if found is None else await self.load_attributes(table, deserialize_item(found), attributes)
        )

    async def load_attributes(self, table: str, item: Item, attributes: Reading = "load") -> Item:
        """The item as it was stored with its attributes in the place of a reference to them.

        When their object is gone, the row may have been replaced since: then it is given as it is now.
        """
        if attributes == "keep":
            return item
        reference = item.get("attributes")
        try:
            return await self._offload.load(item)
        except Exception as error:
            if error_code(error) != "NoSuchKey":
                raise
            found = await self._get(table, serialize_item({name: item[name] for name in ("pk", "sk")}), True)
            current = deserialize_item(found) if found else {}
            if not current or current.get("attributes") == reference:
                if attributes == "load":
                    raise
                return item
        return await self.load_attributes(table, current, attributes)

    async def update_item(
        self,
        table: str,
        key: Key,
        *,
        set: Mapping[AttributePath, Any] | None = None,
        remove: Sequence[AttributePath] = (),
        add: Mapping[AttributePath, Any] | None = None,
        delete: Mapping[AttributePath, Any] | None = None,
        condition: Condition | str | None = None,
        touch: bool = True,
    ) -> Item:
        """Change some attributes and give the whole item as it is now.

        `updatedAt` becomes now, unless it is set or `touch` is off.

        See `UpdateExpression` for what the four arguments take. Without a condition a missing item
        is created.
        """
        update = UpdateExpression(set or {}, remove, add or {}, delete or {})
        request = await self._update_request(Update(table, key, update, condition), touch)
        response = await self._client.update_item(**request, ReturnValues="ALL_NEW")
        # The change is made: that the attributes are lost does not undo it.
        return await self.load_attributes(table, deserialize_item(response["Attributes"]), "load or keep")

    async def change_item(
        self,
        table: str,
        key: Key,
        *,
        set: Mapping[AttributePath, Any] | None = None,
        remove: Sequence[AttributePath] = (),
        condition: Condition | str | None = None,
        touch: bool = True,
    ) -> None:
        """Change some attributes as `update_item` does, and read nothing back: neither the item nor S3."""
        update = UpdateExpression(set or {}, remove)
        await self._client.update_item(
            **await self._update_request(Update(table, key, update, condition), touch)
        )

    async def delete_item(self, table: str, key: Key, condition: Condition | str | None = None) -> None:
        """Remove an item; one that is not there does not matter."""
        await self._client.delete_item(**keyed_request(table, key, condition))

    async def query(
        self,
        table: str,
        pk: str,
        *,
        sk: Condition | None = None,
        start_from_sk: str | None = None,
        limit: int | None = None,
        order: Order = "asc",
        filter: Condition | None = None,
        consistent_read: bool = False,
        attributes: Reading = "load",
    ) -> Page:
        """One page of the items of a partition, by sort key.

        `sk` is a key condition such as `Condition("begins_with(sk, :prefix)", {":prefix": "A"})`;
        `start_from_sk` the sort key after which the page begins. Items that `filter` takes out count for
        `limit` all the same.
        """
        placeholders = Placeholders()
        text = f"pk = {placeholders.value(pk, 'pk')}"
        if sk is not None:
            text += f" AND {placeholders.condition(sk)}"
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": text,
            "ScanIndexForward": order == "asc",
            "ConsistentRead": consistent_read,
        }
        if filter is not None:
            request["FilterExpression"] = placeholders.condition(filter)
        request |= placeholders.parameters()
        if limit is not None:
            request["Limit"] = limit
        if start_from_sk is not None:
            request["ExclusiveStartKey"] = serialize_item({"pk": pk, "sk": start_from_sk})
        return await self._page(table, await self._client.query(**request), attributes)

    async def query_all(
        self,
        table: str,
        pk: str,
        *,
        sk: Condition | None = None,
        order: Order = "asc",
        filter: Condition | None = None,
        consistent_read: bool = False,
        attributes: Reading = "load",
    ) -> AsyncIterator[Item]:
        """Every item of a partition, page after page, but for those that `filter` takes out."""
        start: str | None = None
        while True:
            page = await self.query(
                table,
                pk,
                sk=sk,
                start_from_sk=start,
                order=order,
                filter=filter,
                consistent_read=consistent_read,
                attributes=attributes,
            )
            for item in page.items:
                yield item
            if page.last_key is None:
                return
            start = page.last_key["sk"]

    async def scan(
        self,
        table: str,
        *,
        start_key: Key | None = None,
        limit: int | None = None,
        filter: Condition | None = None,
        only: Sequence[str] = (),
        segment: tuple[int, int] | None = None,
    ) -> Page:
        """One page of a whole table, in no particular order.

        `only` names the attributes that are wanted; `segment` is which part of how many is read, such as
        `(0, 4)` for the first quarter. Items that `filter` takes out count for `limit` all the same.
        """
        placeholders = Placeholders()
        request: dict[str, Any] = {"TableName": table}
        if filter is not None:
            request["FilterExpression"] = placeholders.condition(filter)
        if only:
            request["ProjectionExpression"] = ", ".join(placeholders.name(name) for name in only)
        if segment is not None:
            request["Segment"], request["TotalSegments"] = segment
        request |= placeholders.parameters()
        if limit is not None:
            request["Limit"] = limit
        if start_key is not None:
            request["ExclusiveStartKey"] = serialize_item(start_key)
        return await self._page(table, await self._client.scan(**request))

    async def batch_get_items(
        self,
        table: str,
        keys: Sequence[Key],
        consistent_read: bool = False,
        attributes: Reading = "load",
    ) -> list[Item]:
        """The items of the keys that exist, in no particular order; one call for every 100 keys."""
        batches = [keys[i : i + BATCH_GET_KEYS] for i in range(0, len(keys), BATCH_GET_KEYS)]
        found = await asyncio.gather(*(self._batch_get(table, batch, consistent_read) for batch in batches))
        return await self._load_all(table, [item for items in found for item in items], attributes)

    async def transact_write(self, items: Sequence[TransactionItem], token: str | None = None) -> None:
        """Do all writes or none. `token` makes a repeated call within 10 minutes do nothing.

        A clash with another transaction that is still running is tried again, and so is one that is
        throttled. Raises ClientError `TransactionCanceledException` when a condition does not hold: see
        `cancellation_reasons`.
        """
        writes = [transact_item(write) for write in await self._offloaded(items)]
        request = {"TransactItems": writes, "ClientRequestToken": token or token_hex(16)}
        for attempt in range(ATTEMPTS):
            try:
                await self._client.transact_write_items(**request)
                return
            except Exception as error:
                codes = set(cancellation_reasons(error)) - {"None"}
                if not codes or codes - _PASSING or attempt == ATTEMPTS - 1:
                    await self._discard_unwritten(error, [write["Put"] for write in writes if "Put" in write])
                    raise
            await _pause(attempt)

    async def _get(
        self, table: str, key: AttributeMap, consistent_read: bool, only: Sequence[str] = ()
    ) -> AttributeMap | None:
        request: dict[str, Any] = {"TableName": table, "Key": key, "ConsistentRead": consistent_read}
        if only:
            placeholders = Placeholders()
            request["ProjectionExpression"] = ", ".join(placeholders.name(name) for name in only)
            request |= placeholders.parameters()
        response = await self._client.get_item(**request)
        found: AttributeMap | None = response.get("Item")
        return found

    async def _discard_unwritten(self, error: BaseException, puts: Sequence[Mapping[str, Any]]) -> None:
        """Delete what was put to S3 for items that AWS has refused for certain."""
        if error_code(error) in _REFUSALS:
            items = [(put["TableName"], deserialize_item(put["Item"])) for put in puts]
            await asyncio.gather(*(self._offload.discard(table, item) for table, item in items))

    async def _batch_get(self, table: str, keys: Sequence[Key], consistent_read: bool) -> list[AttributeMap]:
        pending: dict[str, Any] = {
            table: {"Keys": [serialize_item(key) for key in keys], "ConsistentRead": consistent_read}
        }
        found: list[AttributeMap] = []
        for attempt in range(ATTEMPTS):
            response = await self._client.batch_get_item(RequestItems=pending)
            found += response["Responses"].get(table, [])
            pending = response.get("UnprocessedKeys") or {}
            if not pending:
                return found
            await _pause(attempt)
        raise TimeoutError(
            f"{table}: DynamoDB left keys of a batch unread {ATTEMPTS} times; it is throttling"
        )

    async def _update_request(self, update: Update, touch: bool) -> dict[str, Any]:
        changes = update.update
        if touch and "updatedAt" not in changes.remove:
            changes = replace(changes, set={"updatedAt": datetime.now(UTC), **changes.set})
        [stored] = await self._offloaded([replace(update, update=changes)])
        return update_request(stored)

    async def _offloaded(self, writes: Sequence[WriteT]) -> Sequence[WriteT]:
        """The writes as they are sent: large `attributes` are in S3 afterwards, and referred to."""
        if any(self._offload.is_large(written_attributes(write)) for write in writes):
            return await asyncio.gather(*map(self._with_reference, writes))
        return writes

    async def _with_reference(self, write: WriteT) -> WriteT:
        match write:
            case Put(table, item):
                return replace(write, item=await self._offload.store(table, item))
            case Update(table, key, update) if "attributes" in update.set:
                item = {**key, "attributes": update.set["attributes"]}
                stored = await self._offload.store(table, item)
                changes = {**update.set, "attributes": stored["attributes"]}
                return replace(write, update=replace(update, set=changes))
            case _:
                return write

    async def _page(self, table: str, response: Mapping[str, Any], attributes: Reading = "load") -> Page:
        last = response.get("LastEvaluatedKey")
        items = await self._load_all(table, response["Items"], attributes)
        return Page(items, deserialize_item(last) if last else None, response.get("ScannedCount", len(items)))

    async def _load_all(
        self, table: str, found: Sequence[AttributeMap], attributes: Reading = "load"
    ) -> list[Item]:
        items = map(deserialize_item, found)
        return list(await asyncio.gather(*(self.load_attributes(table, item, attributes) for item in items)))


async def _pause(attempt: int) -> None:
    await asyncio.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, not a secret
