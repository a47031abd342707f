"""The `Dto` base and the models derived from others."""

from typing import Any

import pytest
from pydantic import Field, ValidationError, field_validator

from cqrs_nest.http import Dto


class CreateCat(Dto):
    cat_name: str = Field(min_length=1)
    age: int = Field(ge=0)
    tags: list[str] = Field(default=[])

    @field_validator("cat_name")
    @classmethod
    def upper(cls, value: str) -> str:
        return value.upper()


class UpdateCat(CreateCat, partial=True):
    version: int


def test_names_on_the_wire_are_camel_case_and_both_are_taken() -> None:
    cat = CreateCat.model_validate({"catName": "tom", "age": 1})
    assert cat == CreateCat(cat_name="tom", age=1)
    assert cat.model_dump(by_alias=True) == {"catName": "TOM", "age": 1, "tags": []}


def test_inherited_fields_of_a_partial_model_are_optional_and_its_own_are_not() -> None:
    update = UpdateCat.model_validate({"version": 1})
    assert (update.cat_name, update.age, update.tags, update.model_fields_set) == (
        None,
        None,
        [],
        {"version"},
    )
    with pytest.raises(ValidationError, match="version"):
        UpdateCat.model_validate({})


def test_a_partial_model_takes_null_and_still_checks_what_is_given() -> None:
    update = UpdateCat.model_validate({"version": 1, "catName": None, "tags": None})
    assert (update.cat_name, update.tags) == (None, None)
    assert UpdateCat.model_validate({"version": 1, "catName": "tom"}).cat_name == "TOM"
    for wrong in ({"catName": ""}, {"age": -1}, {"age": "x"}):
        with pytest.raises(ValidationError):
            UpdateCat.model_validate({"version": 1, **wrong})


def test_the_base_stays_as_it_was() -> None:
    for missing in ({}, {"catName": None, "age": 1}, {"catName": "tom"}):
        with pytest.raises(ValidationError):
            CreateCat.model_validate(missing)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"omit": ["cat_name"]}, {"age", "tags"}),
        ({"pick": ["cat_name"]}, {"cat_name"}),
        ({"pick": ["cat_name", "age"], "omit": ["age"]}, {"cat_name"}),
    ],
)
def test_picked_and_omitted_fields(options: dict[str, Any], fields: set[str]) -> None:
    shaped = type("Shaped", (CreateCat,), {"__module__": __name__}, **options)
    assert set(shaped.model_fields) == fields
    assert set(shaped.model_json_schema(by_alias=False)["properties"]) == fields


def test_a_model_without_the_field_of_an_inherited_validator_works() -> None:
    class Ages(CreateCat, omit=["cat_name"]):
        pass

    assert Ages.model_validate({"age": 1}).model_dump() == {"age": 1, "tags": []}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="Wrong: its base has no field nme"):

        class Wrong(CreateCat, omit=["nme"]): ...
