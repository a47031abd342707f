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
from cqrs_nest.http.options import ErrorStyle

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
        if len(cells) == 4 and cells[0].startswith("`"):
            yield pytest.param(*(cell.strip("`") for cell in cells), id=" ".join(cells[:2]))


def test_the_table_is_found() -> None:
    assert len(list(rows())) > 30


@pytest.mark.parametrize(("declared", "given", "class_validator", "pydantic"), list(rows()))
def test_a_row(declared: str, given: str, class_validator: str, pydantic: str) -> None:
    model = create_model("Model", __base__=Dto, x=(eval(declared, NAMES), ...))
    styles: dict[ErrorStyle, str] = {"class-validator": class_validator, "pydantic": pydantic}
    for style, text in styles.items():
        convert = JsonConverter(model, None, ValidationOptions(error_style=style))

        with pytest.raises(BadRequestException) as raised:
            convert(f'{{"x": {given}}}'.encode() if given else b"{}")

        assert raised.value.body() == {"message": [text], "error": "Bad Request", "statusCode": 400}
