"""How a partial update and the stored item become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cqrs_nest.aws import REMOVE
from cqrs_nest.commands.json_shapes import is_object


@dataclass(frozen=True)
class Replace:
    """As a value in a partial update: takes the place of the whole stored value, instead of merging with it.

    >>> merge({"tags": {"a": 1, "b": 2}}, {"tags": Replace({"c": 3})})
    {'tags': {'c': 3}}
    """

    value: Any


def merge(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The stored item with the changes on top; neither argument is touched.

    Objects merge property by property; lists and single values replace what was there. An object does
    not replace a stored list, text or other single value: that change is left out, unless it is given
    as `Replace(...)`. `REMOVE` takes a property off.

    >>> merge({"a": 1, "o": {"x": 1, "y": 2}, "l": [1, 2]}, {"o": {"x": 5}, "l": [3], "a": REMOVE})
    {'o': {'x': 5, 'y': 2}, 'l': [3]}
    """
    merged = dict(stored)
    for name, change in changes.items():
        if change is REMOVE:
            merged.pop(name, None)
        elif isinstance(change, Replace):
            merged[name] = change.value
        elif is_object(change):
            current = merged.get(name)
            if current is None or is_object(current):
                merged[name] = merge(current or {}, change)
        else:
            merged[name] = change
    return merged
