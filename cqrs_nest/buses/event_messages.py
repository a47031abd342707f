"""The message that carries an event to other services."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

EVENT: Final = "event"
"""The `action` of such a message."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class MessageContext:
    """On whose behalf something is done, in which request and trace; it goes along with events.

    One without user and tenant is nobody, who has no rights. The service itself says so: `is_system`.
    """

    request_id: str | None = None
    user_id: str | None = None
    tenant_code: str | None = None
    traceparent: str | None = None
    """The W3C trace context, as in the header of this name."""
    is_system: bool = False
    """The service acts on its own behalf: a job, a script. Such work may reach every tenant."""


def event_message(
    encoded: Mapping[str, Any], context: MessageContext, *, id: str, time: Any, saga_depth: int = 0
) -> dict[str, Any]:
    """The message of an event that `encode_event` made; `id` tells a repetition.

    `saga_depth`: how many commands have led to the event through sagas.

    >>> encoded = {"eventType": "todo.created", "schemaVersion": 1, "data": {"name": "milk"}}
    >>> event_message(encoded, MessageContext(tenant_code="acme"), id="e1", time=None)["tenantCode"]
    'acme'
    """
    return {
        "action": EVENT,
        "id": id,
        "eventType": encoded["eventType"],
        "schemaVersion": encoded["schemaVersion"],
        "tenantCode": context.tenant_code,
        "userId": context.user_id,
        "requestId": context.request_id,
        "traceparent": context.traceparent,
        "time": time,
        "data": encoded["data"],
        **({"system": True} if context.is_system else {}),
        **({"sagaDepth": saga_depth} if saga_depth else {}),
    }


def context_of(message: Mapping[str, Any]) -> MessageContext:
    """The context that an event's message brings along; nobody's, if it names nobody."""
    return MessageContext(
        message.get("requestId"),
        message.get("userId"),
        message.get("tenantCode"),
        valid_traceparent(message.get("traceparent")),
        message.get("system") is True,
    )


def valid_traceparent(text: object) -> str | None:
    """The trace context if it is one; anything else would end up in other services' traces.

    >>> valid_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") is not None
    True
    """
    return text if isinstance(text, str) and _TRACEPARENT.fullmatch(text) else None


def outgoing_traceparent(incoming: object) -> str | None:
    """The trace context of the active span of OpenTelemetry, or else the one that came with the request."""
    # Looked up, not imported: where nobody uses OpenTelemetry it costs nothing.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is not None:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return valid_traceparent(incoming)
