"""JSON Schemas of all annotations of a document, with shared components for the models."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from types import NoneType
from typing import Any, Final, TypeAlias

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema

from cqrs_nest.common import StreamableFile
from cqrs_nest.http.json import decimal_number
from cqrs_nest.http.signature import REQUIRED

Schema: TypeAlias = dict[str, Any]

READ: Final = "validation"
"""The form that is taken from requests."""
WRITTEN: Final = "serialization"
"""The form that answers have."""

_NULL: Final[Schema] = {"type": "null"}
_PREFIX: Final = "#/components/schemas/"
_WITHOUT_SCHEMA: Final = (REQUIRED, None, NoneType, Any, StreamableFile)


class Schemas:
    """Made once for all annotations, so that every model gets one name."""

    def __init__(self, annotations: Iterable[tuple[Any, JsonSchemaMode]]) -> None:
        adapters: dict[tuple[int, JsonSchemaMode], TypeAdapter[Any]] = {}
        for annotation, mode in annotations:
            adapter = _adapter(annotation)
            if adapter is not None:
                adapters[id(annotation), mode] = adapter
        self._schemas, definitions = TypeAdapter.json_schemas(
            [(key[0], key[1], adapter) for key, adapter in adapters.items()],
            ref_template=f"{_PREFIX}{{model}}",
            schema_generator=_Generator,
        )
        self.components: dict[str, Schema] = definitions.get("$defs", {})

    def of(self, annotation: Any, mode: JsonSchemaMode) -> Schema | None:
        """The schema, or None for an annotation that says nothing about JSON."""
        return self._schemas.get((id(annotation), mode))

    def resolved(self, schema: Schema) -> Schema:
        """The schema itself, or the component that it refers to."""
        return self.components.get(str(schema.get("$ref", "")).removeprefix(_PREFIX), schema)


class _Generator(GenerateJsonSchema):
    """Describes what `http.json` writes, and passes over what has no schema."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> Schema:
        return {"type": "number"} if self.mode == WRITTEN else super().decimal_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """What may be left out of a request is not sent as null: that would wipe what is there."""
        described = super().default_schema(schema)
        if self.mode == READ and described.get("default", ...) is None:
            del described["default"]
            return without_null(described)
        return described

    def encode_default(self, dft: Any) -> Any:
        if self.mode == WRITTEN and isinstance(dft, Decimal):
            return decimal_number(dft)
        return super().encode_default(dft)

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        return {}


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    if any(annotation is each for each in _WITHOUT_SCHEMA):
        return None
    try:
        return TypeAdapter(annotation)
    except PydanticSchemaGenerationError:
        return None


def without_null(schema: Schema) -> Schema:
    """The schema of a value that is there, of one that may be null."""
    others = [each for each in schema.get("anyOf", ()) if each != _NULL]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(others) == len(schema.get("anyOf", ())):
        return schema
    return {**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}
