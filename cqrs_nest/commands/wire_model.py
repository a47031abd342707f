"""The base of rows as objects: snake_case in Python, camelCase on the wire, nothing lost in between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, SerializationInfo, model_serializer
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from cqrs_nest.aws import to_utc_iso
from cqrs_nest.commands.construction import aliases, construct
from cqrs_nest.commands.json_shapes import is_list, is_object
from cqrs_nest.common.lambda_runtime import starts_on_demand

_PLAIN: Final = (str, int, float, type(None))


class WireModel(BaseModel):
    """A row as an object.

    A property that was never set is absent on the wire, one set to None is NULL there: fields have
    defaults only so that reading them is easy. Properties without a field are kept too.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        validate_assignment=True,
        defer_build=starts_on_demand(),
    )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The object of a stored row, taken as it is: what other services wrote is not judged."""
        return construct(cls, row)

    def to_row(self) -> dict[str, Any]:
        """The properties that are set, by their names on the wire."""
        values, given = self.__dict__, self.model_fields_set
        row = {alias: values[name] for name, alias in aliases(type(self)).items() if name in given}
        return {**row, **(self.model_extra or {})}

    @model_serializer(mode="plain")
    def _serialize(self, info: SerializationInfo) -> dict[str, Any]:
        row = self.to_row()
        return {name: _json_ready(value) for name, value in row.items()} if info.mode == "json" else row

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # Without its serializer: the documented answer is the fields, not "an object".
        return handler(_without_serializer(schema))


def _without_serializer(schema: Any) -> Any:
    return {name: part for name, part in schema.items() if name != "serialization"}


def _json_ready(value: Any) -> Any:
    """The value with its dates as JSON answers carry them: UTC with milliseconds."""
    if isinstance(value, _PLAIN):  # most are, and the questions below take their time
        return value
    if isinstance(value, datetime):
        return to_utc_iso(value)
    if is_object(value):
        return {name: _json_ready(item) for name, item in value.items()}
    return [_json_ready(item) for item in value] if is_list(value) else value
