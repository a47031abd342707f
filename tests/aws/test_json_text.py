"""Messages and objects are written as JavaScript writes JSON."""

from __future__ import annotations

from collections.abc import MutableMapping
from copy import copy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.aws import REMOVE, UnsupportedValueError, WrittenMessage, to_json, to_utc_iso


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
        ({"n": 1e20, "m": -(2.0**63)}, '{"n":100000000000000000000,"m":-9223372036854775808}'),
        ({"a": REMOVE, "b": [REMOVE, 1]}, '{"b":[1]}'),
    ],
)
def test_the_text_of_a_value(value: Any, text: str) -> None:
    assert to_json(value) == text


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [float("nan")]}, '"a[0]"'),
        ({"a": object()}, '"a"'),
        ({"a": [{"b": {1: 2}}]}, '"a[0].b"'),
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


zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01"), timezones=st.none() | zones
)


@given(moments)
def test_a_moment_is_written_in_utc_with_milliseconds(moment: datetime) -> None:
    expected = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    assert to_utc_iso(moment) == expected.removesuffix("+00:00") + "Z"


class Moment(datetime):
    """As pendulum's: orjson knows datetime alone."""


def test_a_moment_may_be_of_a_library() -> None:
    moment = Moment(2024, 1, 2, 3, 4, 5, 678_901, tzinfo=timezone(timedelta(hours=1)))
    assert to_json({"at": moment, "all": [moment]}) == (
        '{"at":"2024-01-02T02:04:05.678Z","all":["2024-01-02T02:04:05.678Z"]}'
    )


class Real(float):
    """As NumPy's, which calls itself differently."""

    def __repr__(self) -> str:
        return f"Real({float(self)})"


def test_a_float_may_be_of_a_library() -> None:
    assert to_json([Real(1.5), Real(2)]) == "[1.5,2]"


def test_a_written_message_is_the_message_and_its_text() -> None:
    message: dict[str, Any] = {"action": "a", "at": 1.0}
    written = WrittenMessage(message)
    assert written == message
    assert written.text == to_json(message) == to_json(written) == copy(written).text
    message["at"] = 2.0
    assert written["at"] == 1.0
    assert not isinstance(written, MutableMapping)  # its text cannot become that of another message
    with pytest.raises(UnsupportedValueError):
        WrittenMessage({"at": float("nan")})
