"""An aggregate's events, stored in the command row that they belong to and sent with its domain event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cqrs_nest.aws import to_json
from cqrs_nest.buses import MessageContext, encode_event, event_message, saga_depth
from cqrs_nest.commands.keys import get_tenant_code

EVENTS: Final = "domainEvents"
"""The property of a command row."""
MAX_EVENTS_BYTES: Final = 50_000
"""What is left of the 256 KB that SNS takes in one call next to the domain event."""


def encode_events(events: Iterable[object], traceparent: str | None) -> list[dict[str, Any]]:
    """The events as a row stores them.

    Raises TypeError for an event without `@EventType`, ValueError for more than `MAX_EVENTS_BYTES`.
    """
    origin = {"traceparent": traceparent, "sagaDepth": saga_depth()}
    known = {name: value for name, value in origin.items() if value}
    encoded = [{**encode_event(event), **known} for event in events]
    size = len(to_json(encoded).encode())
    if size > MAX_EVENTS_BYTES:
        raise ValueError(
            f"The events of one command have {size} bytes and may have {MAX_EVENTS_BYTES}: let them name "
            "what they are about instead of carrying it."
        )
    return encoded


def saved_event_messages(table: str, command: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of the events in a command row; each has the same `id` whenever it is sent."""
    pk, sk = command["pk"], command["sk"]
    return [
        event_message(
            event,
            MessageContext(
                command.get("requestId"),
                command.get("createdBy"),
                get_tenant_code(pk),
                event.get("traceparent"),
            ),
            id=f"{table}#{pk}#{sk}#{index}",
            time=command.get("createdAt"),
            saga_depth=int(event.get("sagaDepth") or 0),
        )
        for index, event in enumerate(command.get(EVENTS) or ())
    ]
