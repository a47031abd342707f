"""The domain event of a command: what happened, to which item, by whom, and the item's new state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cqrs_nest.aws import UnsupportedValueError, WrittenMessage, to_json
from cqrs_nest.commands.keys import get_message_tenant_code
from cqrs_nest.commands.rows import PROGRESS, TRACE
from cqrs_nest.commands.saved_events import EVENTS

DOMAIN_EVENT: Final = "domain-event"
SCHEMA_VERSION: Final = 1
MAX_ENTITY_BYTES: Final = 200_000
"""SNS takes 256 KB; the status of a sync publish travels in the same call."""

_NOT_OF_THE_ENTITY = frozenset({"status", "syncMode", "taskToken", "source", TRACE, EVENTS, *PROGRESS})


def domain_event(table: str, command: Mapping[str, Any]) -> WrittenMessage:
    """The message of a command row, in which `attributes` may be an `s3://` reference as stored.

    `id` names the command, so a subscriber can tell a repetition. `entity` is None when it is too large
    for a message: read it by `table`, `pk` and `sk`.

    Raises UnsupportedValueError for what has no form in JSON.

    >>> row = {"pk": "TODO#acme", "sk": "A1@1", "version": 1, "type": "TODO"}
    >>> event = domain_event("dev-order-todo-command", row)
    >>> event["eventType"], event["id"]
    ('TODO.created', 'dev-order-todo-command#TODO#acme#A1@1')
    """
    pk, sk = command["pk"], command["sk"]
    entity = {name: value for name, value in command.items() if name not in _NOT_OF_THE_ENTITY}
    message = {
        "action": DOMAIN_EVENT,
        "id": f"{table}#{pk}#{sk}",
        "eventType": f"{command.get('type') or table}.{_verb(command)}",
        "schemaVersion": SCHEMA_VERSION,
        "table": table,
        "pk": pk,
        "sk": sk,
        "version": command["version"],
        "tenantCode": get_message_tenant_code(pk),
        "userId": command.get("createdBy"),
        "requestId": command.get("requestId"),
        "time": command.get("createdAt"),
        "source": command.get("source"),
        "entity": entity,
        **({TRACE: command[TRACE]} if TRACE in command else {}),
    }
    try:
        written = WrittenMessage(message)
    except UnsupportedValueError:
        to_json(entity)  # says where it lies in the row, not in the message
        raise
    is_large = _size(written.text) > MAX_ENTITY_BYTES and _size(to_json(entity)) > MAX_ENTITY_BYTES
    return WrittenMessage({**message, "entity": None}) if is_large else written


def _size(text: str) -> int:
    return len(text.encode())


def _verb(command: Mapping[str, Any]) -> str:
    if command.get("isDeleted"):
        return "deleted"
    return "created" if command["version"] == 1 else "updated"
