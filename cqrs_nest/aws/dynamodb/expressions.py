"""Conditions and update expressions, written from plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cqrs_nest.aws.dynamodb.attribute_values import AttributeMap, AttributeValue, serialize
from cqrs_nest.aws.errors import UnsupportedValueError
from cqrs_nest.aws.removal import REMOVE

AttributePath: TypeAlias = "str | tuple[str | int, ...]"
"""An attribute by its name, or a place inside one: `("attributes", "tags", 0)`. A dot is part of a name."""


@dataclass(frozen=True)
class Condition:
    """A condition with the values of its `:placeholders` and the names of its `#placeholders`.

    >>> Condition("version = :v", {":v": 3}).values
    {':v': 3}
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    names: Mapping[str, str] = field(default_factory=dict[str, str])


ITEM_NOT_EXISTS = Condition("attribute_not_exists(pk) AND attribute_not_exists(sk)")
ITEM_EXISTS = Condition("attribute_exists(pk)")


@dataclass(frozen=True)
class IfNotExists:
    """Set `value` unless the attribute (or the one at `path`) has a value already."""

    value: Any
    path: AttributePath | None = None


@dataclass(frozen=True)
class Increment:
    """Add `by` (negative to subtract). With `start` a missing attribute counts as that.

    The sum builds on the attribute itself, or on the one at `path`.
    """

    by: int | float
    start: int | float | None = None
    path: AttributePath | None = None


@dataclass(frozen=True)
class ListAppend:
    """Add `values` to the end of the list (of this attribute, or of the one at `path`).

    With `start` a missing list counts as that; `at_front` puts the values before the others.
    """

    values: list[Any]
    path: AttributePath | None = None
    start: list[Any] | None = None
    at_front: bool = False


@dataclass(frozen=True)
class UpdateExpression:
    """What an update changes.

    `set` takes plain values, `IfNotExists`, `Increment` and `ListAppend`; entries with `REMOVE` are
    skipped. `remove` lists attributes to take off, `add` numbers and sets to add to, `delete` members
    to take out of sets. An update that changes nothing is refused with ValueError.
    """

    set: Mapping[AttributePath, Any] = field(default_factory=dict[AttributePath, Any])
    remove: Iterable[AttributePath] = ()
    add: Mapping[AttributePath, Any] = field(default_factory=dict[AttributePath, Any])
    delete: Mapping[AttributePath, Any] = field(default_factory=dict[AttributePath, Any])


class Placeholders:
    """Collects the `#names` and `:values` of one request while its expressions are written."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: AttributeMap = {}

    def name(self, path: AttributePath) -> str:
        """An attribute path with a placeholder for each of its names."""
        text = ""
        for part in (path,) if isinstance(path, str) else path:
            if isinstance(part, int):
                text += f"[{part}]"
                continue
            placeholder = f"#n{len(self._names)}"
            self._names[placeholder] = part
            text += f".{placeholder}" if text else placeholder
        return text

    def value(self, value: object, path: AttributePath) -> str:
        """The placeholder of a value; `path` is where it goes, for the error text."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = _serialize(value, path if isinstance(path, str) else str(path))
        return placeholder

    def condition(self, condition: Condition | str) -> str:
        """The text of a condition, whose own placeholders are taken over."""
        if isinstance(condition, str):
            return condition
        self._names |= condition.names
        for name, value in condition.values.items():
            self._values[name] = _serialize(value, name)
        return condition.text

    def update(self, update: UpdateExpression) -> str:
        """The text of an update: its SET, REMOVE, ADD and DELETE parts."""
        clauses = {
            "SET": [
                f"{self.name(path)} = {self._operand(path, value)}"
                for path, value in update.set.items()
                if value is not REMOVE
            ],
            "REMOVE": [self.name(path) for path in update.remove],
            "ADD": [f"{self.name(path)} {self.value(value, path)}" for path, value in update.add.items()],
            "DELETE": [
                f"{self.name(path)} {self.value(value, path)}" for path, value in update.delete.items()
            ],
        }
        text = " ".join(f"{keyword} {', '.join(parts)}" for keyword, parts in clauses.items() if parts)
        if not text:
            raise ValueError("the update changes nothing: give it something to set, remove, add or delete")
        return text

    def parameters(self, condition: Condition | str | None = None) -> dict[str, Any]:
        """The request parameters: the two maps, an empty one left out, as DynamoDB wants it, and a condition.

        A condition that does not hold answers with the item that is there.
        """
        parameters: dict[str, Any] = {}
        if condition is not None:
            parameters["ConditionExpression"] = self.condition(condition)
            parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if self._names:
            parameters["ExpressionAttributeNames"] = self._names
        if self._values:
            parameters["ExpressionAttributeValues"] = self._values
        return parameters

    def _operand(self, path: AttributePath, value: Any) -> str:
        match value:
            case IfNotExists(value=default, path=source):
                return f"if_not_exists({self.name(source or path)}, {self.value(default, path)})"
            case Increment(by=by, start=start, path=source):
                return f"{self._current(source or path, start)} + {self.value(by, path)}"
            case ListAppend(values=values, path=source, start=start, at_front=at_front):
                lists = [self._current(source or path, start), self.value(values, path)]
                return f"list_append({', '.join(reversed(lists) if at_front else lists)})"
            case _:
                return self.value(value, path)

    def _current(self, path: AttributePath, start: Any) -> str:
        """The value that is there, or `start` in place of a missing one."""
        name = self.name(path)
        return name if start is None else f"if_not_exists({name}, {self.value(start, path)})"


def _serialize(value: object, path: str) -> AttributeValue:
    try:
        return serialize(value)
    except UnsupportedValueError as error:
        error.lies_in(path)
        raise
