"""The rows that one command leaves: itself, the data row it makes and the history row of what was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from cqrs_nest.aws import REMOVE
from cqrs_nest.commands.keys import add_sort_key_version, remove_sort_key_version
from cqrs_nest.commands.saved_events import EVENTS
from cqrs_nest.core.tracing import Tracing

Row: TypeAlias = dict[str, Any]
"""A row in plain values with its names on the wire."""

SYNC_MODE = "SYNC"
"""The `syncMode` of a command that was applied as it was published; the stream leaves it alone."""

OWED = "messagesOwed"
"""On a command row as long as its publish has not sent its messages: a publish that dies leaves it there."""

HANDLERS_DONE = "handlersDone"
"""On a command row until it is finished: which custom handlers have taken it over, when others have not."""

DEAD_LETTERED = "deadLettered"
"""On a command row that waits in the dead-letter queue; the later ones of its item wait behind it."""

TRACE = "traceparent"
"""On a command row that was published within a recorded span: the span, for those that the stream reaches."""

COPIED = (
    "id",
    "code",
    "name",
    "version",
    "tenantCode",
    "type",
    "seq",
    "attributes",
    "isDeleted",
    "ttl",
    "requestId",
    "updatedAt",
    "updatedBy",
    "updatedIp",
)
"""What a data row takes from the command, or loses with it."""
_COPIED = frozenset(COPIED)
CREATED = ("createdAt", "createdBy", "createdIp")
"""What a data row keeps from its first command."""
PROGRESS = (OWED, HANDLERS_DONE, DEAD_LETTERED)
"""What a command row says of what is still due; nothing of it is left on a finished command."""
_OF_THE_FRAMEWORK = frozenset({"status", "taskToken", "syncMode", "cpk", "csk", TRACE, *PROGRESS})
"""What an input cannot say of its command."""
_OF_ONE_COMMAND = _OF_THE_FRAMEWORK | {"source", EVENTS}
"""What belongs to one stored row and must not go over into the next command."""


@dataclass(frozen=True)
class Origin:
    """Who published, when, from where, in which request."""

    at: datetime
    source: str | None = None
    request_id: str | None = None
    user_id: str | None = None
    ip: str | None = None


def command_row(published: Mapping[str, Any], version: int, ttl: int | None, origin: Origin) -> Row:
    """The row of a command. What the framework knows wins over the input, but for `ttl`."""
    known = {
        "sk": add_sort_key_version(published["sk"], version),
        "version": version,
        "source": origin.source,
        "requestId": origin.request_id,
        "createdAt": origin.at,
        "updatedAt": origin.at,
        "createdBy": origin.user_id,
        "updatedBy": origin.user_id,
        "createdIp": origin.ip,
        "updatedIp": origin.ip,
    }
    row = {"ttl": ttl, **published, **known}
    return {
        name: value
        for name, value in row.items()
        if value is not REMOVE and not (name in known and value is None) and name not in _OF_THE_FRAMEWORK
    }


def with_trace(command: Row, tracing: Tracing | None) -> Row:
    """The command as it is stored: with the span that is being recorded, if there is one."""
    traceparent = tracing.recorded() if tracing else None
    return {**command, TRACE: traceparent} if traceparent else command


def data_row(command: Mapping[str, Any], existing: Mapping[str, Any] | None, csk: str) -> Row:
    """The data row after a command; `csk` is the sort key it names as its command's.

    A property of the list that the command lacks is taken off; others of the existing row stay.
    """
    existing = existing or {}
    created = {name: existing.get(name, command.get(name)) for name in CREATED}
    row = {
        **{name: value for name, value in existing.items() if name not in _COPIED},
        **{name: command[name] for name in COPIED if name in command},
        **{name: value for name, value in created.items() if value is not None},
    }
    key = {"pk": command["pk"], "sk": remove_sort_key_version(command["sk"])}
    return {**row, **key, "cpk": command["pk"], "csk": csk}


def history_row(existing: Mapping[str, Any], ttl: int | None) -> Row:
    """The history row that keeps a data row before it changes; one without a version counts as 0."""
    return {**existing, "sk": add_sort_key_version(existing["sk"], existing.get("version") or 0), "ttl": ttl}


def merge_base(row: Mapping[str, Any], changes: Mapping[str, Any]) -> Row:
    """What of a stored row a partial update builds on. Its `ttl` counts only where the changes name one."""
    dropped = _OF_ONE_COMMAND if "ttl" in changes else _OF_ONE_COMMAND | {"ttl"}
    return {name: value for name, value in row.items() if name not in dropped}


def command_of_data(data: Mapping[str, Any]) -> Row:
    """The command row that a data row came from, as far as it can be told: for one that has expired."""
    row = {name: value for name, value in data.items() if name not in ("cpk", "csk")}
    return {**row, "sk": add_sort_key_version(data["sk"], data["version"])}
