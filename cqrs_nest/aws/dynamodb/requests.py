"""The requests of DynamoDB's HTTP API for writes in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws.dynamodb.attribute_values import serialize_item
from cqrs_nest.aws.dynamodb.expressions import Condition, Placeholders
from cqrs_nest.aws.dynamodb.item_size import check_size
from cqrs_nest.aws.dynamodb.transactions import Check, Delete, Put, TransactionItem, Update


def transact_item(write: TransactionItem) -> dict[str, Any]:
    """The entry of one write in a transaction. Raises what the requests of its kind raise."""
    match write:
        case Put():
            return {"Put": put_request(write)}
        case Update():
            return {"Update": update_request(write)}
        case Delete():
            return {"Delete": keyed_request(write.table, write.key, write.condition)}
        case Check():
            return {"ConditionCheck": keyed_request(write.table, write.key, write.condition)}


def put_request(put: Put) -> dict[str, Any]:
    """Raises ItemTooLargeError for an item that does not leave its spare bytes, and UnsupportedValueError."""
    item = serialize_item(put.item)
    check_size(put.table, item, put.spare_bytes)
    return {"TableName": put.table, "Item": item, **Placeholders().parameters(put.condition)}


def update_request(update: Update) -> dict[str, Any]:
    """Raises ValueError for an update that changes nothing, and UnsupportedValueError."""
    placeholders = Placeholders()
    expression = placeholders.update(update.update)
    return {
        "TableName": update.table,
        "Key": serialize_item(update.key),
        "UpdateExpression": expression,
        **placeholders.parameters(update.condition),
    }


def keyed_request(table: str, key: Mapping[str, str], condition: Condition | str | None) -> dict[str, Any]:
    """That of a write which names an item and no values but those of its condition."""
    return {"TableName": table, "Key": serialize_item(key), **Placeholders().parameters(condition)}
