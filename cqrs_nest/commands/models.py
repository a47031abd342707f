"""What is published, what is stored and what is read: commands, data rows and pages of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from pydantic import Field, ValidatorFunctionWrapHandler, field_validator

from cqrs_nest.commands.expectation import Expect
from cqrs_nest.commands.keys import DetailKey
from cqrs_nest.commands.rows import PROGRESS, TRACE
from cqrs_nest.commands.wire_model import WireModel

_NOT_SHOWN: Final = frozenset({TRACE, *PROGRESS})


class CommandInput(WireModel):
    """What an application publishes: the whole new state of an item, and the version it builds on.

    `version` is 0 for a new item, the item's version to change it, -1 to overwrite whatever is there;
    `Expect` says it in words.
    `ttl` (Unix seconds) is worked out from the table's configuration unless it is set here.

    >>> CommandInput(pk="TODO#acme", sk="A1", name="Buy milk", attributes={"done": False}).to_row()
    {'pk': 'TODO#acme', 'sk': 'A1', 'name': 'Buy milk', 'attributes': {'done': False}}
    """

    pk: str
    sk: str
    id: str = ""
    code: str = ""
    name: str = ""
    version: int | None = 0
    tenant_code: str = ""
    type: str = ""
    seq: int | None = None
    is_deleted: bool | None = None
    ttl: int | None = None
    attributes: Any = None
    domain_events: Sequence[Any] | None = None
    """What happened: objects of `@EventType` classes, saved with the command and sent as events."""

    @field_validator("version", mode="wrap")
    @classmethod
    def _keep_expectation(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        return value if isinstance(value, Expect) else validate(value)


class StoredModel(WireModel):
    """What command rows and data rows have in common."""

    pk: str
    sk: str
    id: str = ""
    code: str = ""
    name: str = ""
    version: int = 0
    tenant_code: str = ""
    type: str = ""
    seq: int | None = None
    is_deleted: bool = False
    ttl: int | None = None
    attributes: dict[str, Any] = Field(default_factory=dict[str, Any])
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


class CommandModel(StoredModel):
    """One command: a version of an item as it was asked for. Its sort key ends in `@<version>`."""

    status: str | None = None
    source: str | None = None
    sync_mode: str | None = None
    task_token: str | None = None
    domain_events: list[dict[str, Any]] | None = None
    """The events that were published with it, as `{eventType, schemaVersion, data}`."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The object of a stored row, without the trace it was published in and what is still due for it."""
        if not _NOT_SHOWN.isdisjoint(row):
            row = {name: value for name, value in row.items() if name not in _NOT_SHOWN}
        return super().from_row(row)


class DataEntity(StoredModel):
    """The current state of an item, or in the history an earlier one."""

    cpk: str | None = None
    """The partition key of the command it came from."""
    csk: str | None = None
    """The sort key of that command."""


@dataclass(frozen=True)
class DataList:
    """A page of items; `last_sk` is where the next one starts, None after the last page."""

    items: list[DataEntity]
    last_sk: str | None = None
