"""The writes of a transaction, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cqrs_nest.aws.dynamodb.expressions import Condition, UpdateExpression
from cqrs_nest.aws.errors import error_response


@dataclass(frozen=True)
class Put:
    """Write a whole item, which must leave `spare_bytes` of what DynamoDB takes."""

    table: str
    item: Mapping[str, Any]
    condition: Condition | str | None = None
    spare_bytes: int = 0


@dataclass(frozen=True)
class Update:
    """Change some attributes of an item; it is created when it is not there and no condition forbids it."""

    table: str
    key: Mapping[str, str]
    update: UpdateExpression
    condition: Condition | str | None = None


@dataclass(frozen=True)
class Delete:
    """Remove an item."""

    table: str
    key: Mapping[str, str]
    condition: Condition | str | None = None


@dataclass(frozen=True)
class Check:
    """Write nothing, but let the transaction fail unless the condition holds."""

    table: str
    key: Mapping[str, str]
    condition: Condition | str


TransactionItem: TypeAlias = Put | Update | Delete | Check


def written_attributes(write: TransactionItem) -> Any:
    """What a write makes of the property that goes to S3 when it is large; None for nothing."""
    match write:
        case Put():
            return write.item.get("attributes")
        case Update():
            return write.update.set.get("attributes")
        case _:
            return None


def cancellation_reasons(error: BaseException) -> list[str]:
    """Why each write of a cancelled transaction failed, in order; `None` as a text for those that did not.

    Empty for any other exception.
    """
    return [str(reason.get("Code")) for reason in error_response(error).get("CancellationReasons", ())]
