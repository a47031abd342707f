"""The language of formats."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest_sequence import InvalidFormatError, NumberFormat


@pytest.mark.parametrize(
    ("format", "values", "written"),
    [
        ("no", {"no": 7}, "7"),
        ("no-%%no%%", {"no": 7}, "no-7"),
        ("%%no#:0>3%%", {"no": 12345}, "12345"),
        ("%%no#:9>3%%", {"no": 1}, "991"),
        ("%%no#pad:0>3%%", {"no": 1}, "001"),
        ("%%code2%%", {"no": 1}, "code2"),
        ("%%code2#:0>3%%", {"code2": ""}, "code2#:0>3"),
        ("%%fiscal_year%%", {"fiscal_year": 0}, "fiscal_year"),
        ("%%shop%%-%%no%%", {"no": 1}, "shop-1"),
        ("a#b%%no%%", {"no": 1}, "a#b1"),
        ("", {"no": 1}, ""),
    ],
)
def test_the_language_of_formats(format: str, values: dict[str, Any], written: str) -> None:
    assert NumberFormat(format).fill(values) == written


@given(st.text(alphabet="%#:>0no12 ", max_size=20))
def test_any_text_is_a_format_or_refused(text: str) -> None:
    try:
        filled = NumberFormat(text).fill({"no": 5})
    except InvalidFormatError:
        assert "no#" in text
    else:
        assert "%%" not in filled
