"""A task as it is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from cqrs_nest.commands import DetailKey, WireModel
from cqrs_nest.http import Dto


class TaskEntity(WireModel):
    """A row of the table `tasks`."""

    pk: str
    sk: str
    id: str = ""
    version: int = 0
    code: str = ""
    type: str = ""
    name: str = ""
    tenant_code: str = ""
    status: str = ""
    input: Any = None
    attributes: dict[str, Any] = Field(default_factory=dict[str, Any])
    """`{result}` or `{error}`; the counters of sub-tasks."""
    failures: int = 0
    """How often it has been tried in vain."""
    request_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: str | None = None
    updated_by: str | None = None
    created_ip: str | None = None
    updated_ip: str | None = None

    @property
    def key(self) -> DetailKey:
        """Partition and sort key."""
        return DetailKey(self.pk, self.sk)


class TaskListEntity(Dto):
    """A page; `lastSk` is the `startFromSk` of the next one, null on the last."""

    items: list[TaskEntity]
    last_sk: str | None
