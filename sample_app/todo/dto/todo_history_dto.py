from datetime import datetime
from typing import Any

from cqrs_nest.http import Dto


class TodoVersion(Dto):
    """One version: what the todo was then, who made it so, and when."""

    version: int
    name: str
    attributes: dict[str, Any] | None
    is_deleted: bool
    updated_by: str | None
    updated_at: datetime | None


class TodoHistoryDto(Dto):
    """Every version, the newest first."""

    items: list[TodoVersion]
