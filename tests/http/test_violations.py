"""The texts of validation errors."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, Field, field_validator, model_validator

from cqrs_nest.common import BadRequestException
from cqrs_nest.http import Dto, ValidationOptions
from cqrs_nest.http.conversion import JsonConverter


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Item(Dto):
    sku: str
    quantity: int = Field(ge=1)


def texts(annotation: Any, body: bytes, *, forbid: bool = False) -> list[str]:
    convert = JsonConverter(annotation, None, ValidationOptions(forbid_non_whitelisted=forbid))
    with pytest.raises(BadRequestException) as refused:
        convert(body)
    assert refused.value.body() | {"message": 0} == {"message": 0, "error": "Bad Request", "statusCode": 400}
    return list(refused.value.body()["message"])


@pytest.mark.parametrize(
    ("annotation", "wrong", "text"),
    [
        (str, "1", "must be a string"),
        (int, '"1"', "must be an integer number"),
        (int, "1.5", "must be an integer number"),
        (float, '"1"', "must be a number conforming to the specified constraints"),
        (Decimal, "[]", "must be a number conforming to the specified constraints"),
        (bool, '"true"', "must be a boolean value"),
        (datetime, '"tomorrow"', "must be a valid ISO 8601 date string"),
        (datetime, "null", "must be a valid ISO 8601 date string"),
        (date, '"2030-13-01"', "must be a valid ISO 8601 date string"),
        (time, '"25:00"', "must be a valid ISO 8601 time string"),
        (AwareDatetime, '"2030-01-01T00:00:00"', "must be a valid ISO 8601 date string with a time zone"),
        (UUID, '"x"', "must be a UUID"),
        (AnyUrl, '"x"', "must be a URL address"),
        (Color, '"green"', "must be one of the following values: red, blue"),
        (Literal["a", "b", "c"], '"d"', "must be one of the following values: a, b, c"),
        (list[str], '"a"', "must be an array"),
        (set[str], "{}", "must be an array"),
        (dict[str, int], "[]", "must be an object"),
        (Item, "[]", "must be an object"),
        (None, "1", "must be null"),
        (Annotated[str, Field(min_length=1)], '""', "should not be empty"),
        (Annotated[str, Field(min_length=2)], '"a"', "must be longer than or equal to 2 characters"),
        (Annotated[str, Field(max_length=2)], '"abc"', "must be shorter than or equal to 2 characters"),
        (Annotated[str, Field(pattern="^a$")], '"b"', "must match ^a$ regular expression"),
        (Annotated[int, Field(ge=1)], "0", "must not be less than 1"),
        (Annotated[int, Field(le=5)], "6", "must not be greater than 5"),
        (Annotated[int, Field(gt=0)], "0", "must be a positive number"),
        (Annotated[int, Field(gt=3)], "3", "must be greater than 3"),
        (Annotated[int, Field(lt=0)], "0", "must be a negative number"),
        (Annotated[int, Field(lt=3)], "3", "must be less than 3"),
        (Annotated[int, Field(multiple_of=3)], "4", "must be divisible by 3"),
        (Annotated[list[int], Field(min_length=1)], "[]", "should not be empty"),
        (Annotated[list[int], Field(min_length=2)], "[1]", "must contain at least 2 elements"),
        (Annotated[list[int], Field(max_length=1)], "[1, 2]", "must contain no more than 1 elements"),
    ],
)
def test_the_text_of_each_rule(annotation: Any, wrong: str, text: str) -> None:
    class Model(Dto):
        the_field: annotation

    assert texts(Model, b'{"theField": ' + wrong.encode() + b"}") == [f"theField {text}"]


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (str, "must be a string"),
        (int, "must be an integer number"),
        (Annotated[int, Field(ge=1)], "must be an integer number"),
        (bool, "must be a boolean value"),
        (datetime, "must be a valid ISO 8601 date string"),
        (date, "must be a valid ISO 8601 date string"),
        (Color, "must be one of the following values: red, blue"),
        (Literal["a", "b"], "must be one of the following values: a, b"),
        (list[str], "must be an array"),
        (dict[str, int], "must be an object"),
        (Item, "must be an object"),
        (str | None, "should not be null or undefined"),
        (Any, "should not be null or undefined"),
    ],
)
def test_an_absent_field_is_told_what_it_should_be(annotation: Any, text: str) -> None:
    class Model(Dto):
        the_field: annotation

    assert texts(Model, b"{}") == [f"theField {text}"]


def test_fields_stand_in_declaration_order_with_their_paths() -> None:
    class Order(Dto):
        name: str
        items: list[Item]
        one: Item
        tags: list[str] = Field(default=[])
        by_key: dict[str, Item] = Field(default={})
        either: int | str = 1
        maybe: list[Item] | None = None

    body = b"""{
        "items": [{"quantity": 0}, 5, {"sku": "a", "quantity": "1"}],
        "one": {},
        "tags": ["a", 1, 2],
        "byKey": {"k": {"sku": 1, "quantity": 1}},
        "either": [],
        "maybe": [{"sku": "a"}]
    }"""
    assert texts(Order, body) == [
        "name must be a string",
        "items.0.sku must be a string",
        "items.0.quantity must not be less than 1",
        "each value in items must be an object",
        "items.2.quantity must be an integer number",
        "one.sku must be a string",
        "one.quantity must be an integer number",
        "each value in tags must be a string",
        "byKey.k.sku must be a string",
        "either must be an integer number",
        "either must be a string",
        "maybe.0.quantity must be an integer number",
    ]


def test_unknown_properties_are_dropped_or_refused() -> None:
    class Order(Dto):
        name: str
        items: list[Item] = Field(default=[])

    body = b'{"name": "a", "x": 1, "items": [{"sku": "a", "quantity": 1, "z": 2}]}'
    assert JsonConverter(Order, None, ValidationOptions())(body).model_dump() == {
        "name": "a",
        "items": [{"sku": "a", "quantity": 1}],
    }
    assert texts(Order, body, forbid=True) == [
        "items.0.property z should not exist",
        "property x should not exist",
    ]


def test_a_model_may_keep_unknown_properties() -> None:
    class Free(Dto, extra="allow"):
        name: str

    assert JsonConverter(Free, None, ValidationOptions())(b'{"name": "a", "x": 1}').model_dump() == {
        "name": "a",
        "x": 1,
    }


def test_texts_of_validators() -> None:
    class Span(BaseModel):
        start: int
        end: int
        count: int = 0

        @field_validator("count")
        @classmethod
        def check_even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even")
            return value

        @model_validator(mode="after")
        def check_order(self) -> "Span":
            if self.start > self.end:
                raise ValueError("start must not be after end")
            return self

    assert texts(Span, b'{"start": 1, "end": 2, "count": 1}') == ["count must be even"]
    assert texts(Span, b'{"start": 2, "end": 1}') == ["start must not be after end"]


def test_no_value_of_the_caller_is_repeated() -> None:
    class Login(Dto):
        password: int

    assert "hunter2" not in str(texts(Login, b'{"password": "hunter2"}'))
