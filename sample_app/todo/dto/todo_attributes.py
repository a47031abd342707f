from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import Field, StringConstraints

from cqrs_nest.http import Dto

NoNul: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Not every database takes the character NUL in a text."""
TodoName: TypeAlias = Annotated[NoNul, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Tag: TypeAlias = Annotated[NoNul, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]


class TodoAttributes(Dto):
    """What a todo says besides its name."""

    description: Annotated[NoNul, StringConstraints(max_length=2000)] | None = None
    priority: Annotated[int, Field(ge=0, le=5)] | None = None
    tags: Annotated[list[Tag], Field(max_length=20)] | None = None
    due_date: date | datetime | None = None

    def attributes(self) -> dict[str, Any]:
        """What was sent, as a row's `attributes` hold it."""
        names = set(TodoAttributes.model_fields)
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, include=names)
