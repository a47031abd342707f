"""Telling why DynamoDB refused a write."""

from __future__ import annotations

from cqrs_nest.aws.dynamodb.attribute_values import AttributeMap
from cqrs_nest.aws.dynamodb.transactions import cancellation_reasons
from cqrs_nest.aws.errors import error_code, error_response

_CHANGED_LATER = ("status", "taskToken", "ttl", "updatedAt")


def is_conflict(error: BaseException) -> bool:
    """Whether a write failed because of somebody else's: on its condition, or on a clash that lasted."""
    return is_condition_failure(error) or "TransactionConflict" in cancellation_reasons(error)


def is_condition_failure(error: BaseException) -> bool:
    """Whether a single write, or at least one of a transaction, failed on its condition."""
    return error_code(error) == "ConditionalCheckFailedException" or (
        "ConditionalCheckFailed" in cancellation_reasons(error)
    )


def is_own_retry(error: BaseException, written: AttributeMap) -> bool:
    """Whether a put failed only because an attempt before, whose answer was lost, had written the item."""
    response = error_response(error)
    retries = response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    there: AttributeMap = response.get("Item") or {}
    is_same = all(there.get(name) == value for name, value in written.items() if name not in _CHANGED_LATER)
    return bool(retries) and is_condition_failure(error) and bool(there) and is_same
