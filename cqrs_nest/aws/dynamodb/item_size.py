"""How large DynamoDB counts an item, to refuse one that is too large before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from cqrs_nest.aws.dynamodb.attribute_values import AttributeMap

MAX_ITEM_BYTES: Final = 400 * 1024


class ItemTooLargeError(ValueError):
    """An item has more bytes than DynamoDB takes."""

    def __init__(self, table: str, size: int, limit: int) -> None:
        super().__init__(
            f"the item has {size} bytes, and {table} takes {limit}: put what is large into `attributes`, "
            "which go to S3"
        )


def check_size(table: str, item: AttributeMap, spare_bytes: int = 0) -> None:
    """Raise ItemTooLargeError unless an item leaves `spare_bytes` of what DynamoDB takes."""
    limit = MAX_ITEM_BYTES - spare_bytes
    if not _surely_fits(item, limit) and (size := item_size(item)) > limit:
        raise ItemTooLargeError(table, size, limit)


def _surely_fits(item: AttributeMap, limit: int) -> bool:
    """Whether the item's JSON fits, which has everything that counts, and takes a tenth of the time."""
    try:
        return len(orjson.dumps(item)) <= limit
    except orjson.JSONEncodeError:  # bytes
        return False


def item_size(item: AttributeMap) -> int:
    """The bytes of an item in DynamoDB JSON: its names and its values.

    >>> item_size({"pk": {"S": "é"}, "n": {"N": "120"}, "l": {"L": [{"BOOL": True}]}})
    13
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(content)
        case "M":
            return 3 + len(content) + item_size(content)
        case "L":
            return 3 + len(content) + sum(map(_value_size, content))
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: member}) for member in content)
        case _:
            return 1


def _number_size(text: str) -> int:
    """About one byte for two digits, and one more."""
    digits = text.partition("e")[0].lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
