from typing import Any

from pydantic import model_validator

from cqrs_nest.http import Dto


class QueryStringDto(Dto):
    """A query string in which an empty value stands for none, as in `?keyword=&page=2`."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value not in ("", [""])}
