"""Messages and objects are written as JavaScript writes JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cqrs_nest.aws import UnsupportedValueError, to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, 1.5, None, True]}, '{"b":1,"a":[1,1.5,null,true]}'),
        ("日本 \u2028", '"日本 \u2028"'),
        (datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC), '"2024-05-06T07:08:09.123Z"'),
        ({"s": {"b", "a"}}, '{"s":["a","b"]}'),
        (b"\x01\xff", '{"type":"Buffer","data":[1,255]}'),
        ([Decimal("1.50"), Decimal("2")], "[1.5,2]"),
        ([Decimal("0E+1000000000"), Decimal("-1E+2"), Decimal("1E-7")], "[0,-100,1e-7]"),
        (10**300, "1" + "0" * 300),
    ],
)
def test_the_text_of_a_value(value: Any, text: str) -> None:
    assert to_json(value) == text


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [float("nan")]}, '"a[0]"'),
        ({"a": object()}, '"a"'),
        ("\ud800", "the value"),
        ({"a": Decimal("1E+1000000000")}, '"a"'),
        ({"a": Decimal("-1E-1000000000")}, '"a"'),
        ({"a": Decimal("1.9E308")}, '"a"'),
        ({"a": 10**5000}, '"a"'),
    ],
)
def test_what_json_has_no_form_of_is_refused(value: Any, place: str) -> None:
    with pytest.raises(UnsupportedValueError, match="cannot be written") as caught:
        to_json(value)
    assert place in str(caught.value)
