"""The table of docs/validation.md says what is answered."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, HttpUrl, create_model

from cqrs_nest.common import BadRequestException
from cqrs_nest.http import Dto, ValidationOptions
from cqrs_nest.http.conversion import JsonConverter

TABLE = Path(__file__).parents[2] / "docs" / "validation.md"


class Color(Enum):
    RED = "red"
    WHITE = "white"


class Toy(Dto):
    name: str


NAMES = {
    each.__name__: each for each in (Color, Toy, Field, HttpUrl, Decimal, datetime, date, time, UUID)
} | {"Annotated": Annotated, "Literal": Literal}


def rows() -> Iterator[Any]:
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`"):
            yield pytest.param(*(cell.strip("`") for cell in cells), id=" ".join(cells[:2]))


def test_the_table_is_found() -> None:
    assert len(list(rows())) > 20


@pytest.mark.parametrize(("declared", "given", "answered"), list(rows()))
def test_a_row(declared: str, given: str, answered: str) -> None:
    model = create_model("Model", __base__=Dto, x=(eval(declared, NAMES), ...))
    convert = JsonConverter(model, None, ValidationOptions())

    with pytest.raises(BadRequestException) as raised:
        convert(f'{{"x": {given}}}'.encode() if given else b"{}")

    assert raised.value.body()["message"] == [answered]
