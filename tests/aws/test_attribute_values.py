"""Python values survive DynamoDB JSON, and what cannot is refused with its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.aws import REMOVE, UnsupportedValueError
from cqrs_nest.aws.dynamodb import (
    ItemTooLargeError,
    deserialize,
    deserialize_item,
    serialize,
    serialize_item,
)
from cqrs_nest.aws.dynamodb.attribute_values import number_text
from cqrs_nest.aws.dynamodb.item_size import MAX_ITEM_BYTES, check_size, item_size

SAFE = 2**53 - 1
floats = st.floats(-SAFE, SAFE, allow_nan=False)
numbers = st.integers(-(10**37), 10**37) | floats.filter(lambda value: value == 0 or abs(value) >= 1e-130)
scalars = st.none() | st.booleans() | st.text() | st.binary() | numbers
sets = (
    st.sets(st.text(), min_size=1)
    | st.sets(st.integers(-(10**37), 10**37), min_size=1)
    | st.sets(st.binary(), min_size=1)
)
values = st.recursive(
    scalars | sets, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert deserialize(serialize(value)) == value


@given(st.dictionaries(st.text(), values))
def test_the_size_of_an_items_json_is_a_bound_of_its_size(item: dict[str, Any]) -> None:
    stored = serialize_item(item)
    check_size("items", stored, spare_bytes=MAX_ITEM_BYTES - item_size(stored))
    with pytest.raises(ItemTooLargeError):
        check_size("items", {**stored, "another": {"S": ""}}, spare_bytes=MAX_ITEM_BYTES - item_size(stored))


@given(floats)
def test_a_float_keeps_its_value_as_text(value: float) -> None:
    assert float(number_text(value)) == value


class Real(float):
    """As NumPy's, which calls itself differently."""

    def __repr__(self) -> str:
        return f"Real({float(self)})"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Real(1.5), "1.5"),
        (Real(1.5e-5), "0.000015"),
        (Real(1.5e-7), "1.5e-7"),
        (1.0, "1"),
        (-0.0, "0"),
        (1.5e-7, "1.5e-7"),
        (1e-6, "0.000001"),
        (1e15, "1000000000000000"),
        (0.1, "0.1"),
    ],
)
def test_numbers_look_as_javascript_writes_them(value: float, text: str) -> None:
    assert serialize(value) == {"N": text}


def test_a_date_is_written_the_same_way_at_any_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 987_000, tzinfo=UTC)
    written = serialize_item({"at": moment, "attributes": {"list": [{"at": moment}]}})
    assert written["at"] == written["attributes"]["M"]["list"]["L"][0]["M"]["at"]
    assert written["at"]["S"].startswith("2024-05-0")
    assert len(written["at"]["S"]) == len("2024-05-06T07:08:09+00:00")


def test_only_two_attributes_are_read_as_moments() -> None:
    stored = {name: {"S": "2024-05-06T07:08:09+09:00"} for name in ("createdAt", "updatedAt", "dueAt")}
    item = deserialize_item(stored)
    assert item["createdAt"] == item["updatedAt"] == datetime(2024, 5, 5, 22, 8, 9, tzinfo=UTC)
    assert item["dueAt"] == "2024-05-06T07:08:09+09:00"


def test_what_is_no_moment_stays_as_it_is() -> None:
    assert deserialize_item({"updatedAt": {"S": "not a date"}}) == {"updatedAt": "not a date"}


def test_removed_values_are_left_out_of_maps_and_lists() -> None:
    assert serialize({"a": REMOVE, "b": [1, REMOVE, 3]}) == {"M": {"b": {"L": [{"N": "1"}, {"N": "3"}]}}}


class Colour(Enum):
    RED = "red"


def test_an_enum_is_its_value() -> None:
    assert serialize(Colour.RED) == {"S": "red"}


@dataclass
class Money:
    amount: int


CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = CIRCULAR


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": {"b": [0, float("nan")]}}, "a.b[1]"),
        ({"a": float("inf")}, "a"),
        ({"a": 2.0**53}, "a"),
        ({"a": 10**38}, "a"),
        ({"a": 10**5000}, "a"),
        ({"a": Decimal("NaN")}, "a"),
        ({"a": Decimal("1E+1000000000")}, "a"),
        ({"a": Decimal("1E-131")}, "a"),
        ({"a": 1e-200}, "a"),
        ({"a": set()}, "a"),
        ({"a": {1, "x"}}, "a"),
        ({"a": Money(5)}, "a"),
        ({"a": {1: "x"}}, "a"),
        ({"a": [{"b": {"c": [[object()]]}}]}, "a[0].b.c[0][0]"),
        ({"a": REMOVE, "b": {REMOVE}}, "b"),
        ({"a": object()}, "a"),
        (CIRCULAR, ""),
        ({"attributes": {"note": "half \ud83d"}}, "attributes.note"),
        ({"attributes": {"notes": ["a", "\ud83d"]}}, "attributes.notes[1]"),
        ({"tags": {"\ud83d"}}, "tags"),
        ({"attributes": {"\ud83d": 1}}, "attributes"),
    ],
)
def test_what_has_no_form_is_refused_with_its_place(value: dict[str, Any], path: str) -> None:
    with pytest.raises(UnsupportedValueError) as caught:
        serialize_item(value)
    assert caught.value.path == path
    assert (f'"{path}"' if path else "the value") in str(caught.value)
