"""Whether a publish would change anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cqrs_nest.aws import to_local_iso
from cqrs_nest.commands.json_shapes import is_list, is_object
from cqrs_nest.commands.saved_events import EVENTS

COMPARED = ("id", "code", "name", "tenantCode", "type", "isDeleted", "seq", "ttl", "attributes")


def is_changed(stored: Mapping[str, Any], published: Mapping[str, Any]) -> bool:
    """Whether an input differs from the stored row in what counts as its content.

    Numbers compare by value (`1` is `1.0`), objects without regard to order, dates as the
    text they are stored as, a missing property as None.
    Events are always a change: they happened.
    `isDeleted: False` differs from a missing one, and so does a stored `ttl` from none in the input.

    >>> is_changed({"name": "a", "attributes": {"n": 1}}, {"name": "a", "attributes": {"n": 1.0}})
    False
    >>> is_changed({"name": "a"}, {"name": "a", "isDeleted": False})
    True
    """
    return bool(published.get(EVENTS)) or any(
        not _equal(stored.get(name), published.get(name)) for name in COMPARED
    )


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(right, datetime):
        right = to_local_iso(right)
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
