"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from cqrs_nest.commands import TenantCode
from cqrs_nest.http import Dto

TaskType: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^#\x00-\x1f]*$")
]


class CreateTaskDto(Dto):
    """The body of `POST /tasks`."""

    tenant_code: TenantCode
    task_type: TaskType
    name: str | None = None
    input: dict[str, Any]


class CreateStepFunctionTaskDto(Dto):
    """The body of `POST /tasks/step-function-task`: one sub-task for each element of `input`."""

    tenant_code: TenantCode
    task_type: TaskType
    name: str | None = None
    input: Annotated[list[Any], Field(max_length=10_000)]


class ListTasksDto(Dto):
    """The query string of `GET /tasks/:pk`, where `:pk` is the tenant's code."""

    type: str | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 10
    start_from_sk: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    order: Literal["asc", "desc"] = "asc"
