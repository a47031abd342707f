"""What paths and query strings carry in every module: keys, pages and searches."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints

from cqrs_nest.http import Dto

TenantCode: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^#\x00-\x1f]*$")
]
"""A tenant's code as a body names it: it must not reach beyond its part of a key."""


class DetailDto(Dto):
    """`:pk/:sk` of a path."""

    pk: str
    sk: str


class PaginateDto(Dto):
    """A page of a list; pages count from 1."""

    page: Annotated[int, Field(ge=1)] = 1
    page_size: Annotated[int, Field(ge=1, le=1000)] = 10


class SearchDto(PaginateDto):
    """A search: what a row must contain, and in which order the rows come."""

    keyword: str | None = None
    id: str | None = None
    pk: str | None = None
    sk: str | None = None
    order_bys: list[str] = Field(default_factory=list[str])
    """Fields in order of their weight; `-` before one turns it round."""
