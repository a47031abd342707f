"""`ValidationPipe`: options of the validation for less than the whole application."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from cqrs_nest.common.pipes import ArgumentMetadata, ParameterSource
from cqrs_nest.http.conversion import JsonConverter, TextConverter
from cqrs_nest.http.options import ErrorStyle, ValidationOptions


class ValidationPipe:
    """Changes how the arguments of a controller, a route or one parameter are checked.

    Everything is checked against its annotation anyway. The pipe is for other options, which take the place
    of the application's: the nearest pipe counts. They are compiled into the routes at start, and those of a
    request-scoped pipe when they are first asked for. Called by itself, it checks a value like a route does,
    and raises BadRequestException.

    >>> from cqrs_nest.common import UsePipes
    >>> strict = UsePipes(ValidationPipe(forbid_non_whitelisted=True, error_style="pydantic"))
    >>> ValidationPipe().transform("7", ArgumentMetadata(ParameterSource.QUERY, int, "page"))
    7
    """

    def __init__(
        self, *, forbid_non_whitelisted: bool = False, error_style: ErrorStyle = "class-validator"
    ) -> None:
        self.options = ValidationOptions(
            forbid_non_whitelisted=forbid_non_whitelisted, error_style=error_style
        )

    @property
    def is_plain(self) -> bool:
        """Whether it only sets options: no subclass gave it another `transform`."""
        return type(self).transform is ValidationPipe.transform

    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        """The value as its annotation has it."""
        if metadata.source is ParameterSource.BODY:
            return JsonConverter(metadata.annotation, metadata.name, self.options)(to_json(value))
        return TextConverter(metadata.annotation, metadata.name, self.options)(value)
