"""On whose behalf a message is handled: read from the request, handed on to other services."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cqrs_nest.buses import MessageContext, outgoing_traceparent
from cqrs_nest.context import Invoke, SystemInvoke, current_invoke
from cqrs_nest.context.tenants import own_tenant
from cqrs_nest.context.user import CLAIM_TENANT
from cqrs_nest.core import current_request_scope

_message_id: ContextVar[str | None] = ContextVar("message_id", default=None)


def current_message_context() -> MessageContext:
    """The context of the request or event being handled; the system's where nobody asked for the work.

    It follows commands, events, sagas and background work by itself. Request-scoped handlers can also
    take it as a constructor parameter, `context: MessageContext`.

    >>> current_message_context().is_system
    True
    """
    invoke = current_invoke.get()
    if invoke is None:
        return MessageContext(traceparent=outgoing_traceparent(None), is_system=True)
    return MessageContext(
        invoke.request_id,
        invoke.user_id,
        own_tenant(invoke),
        outgoing_traceparent(invoke.headers.get("traceparent")),
        isinstance(invoke, SystemInvoke),
    )


def current_message_id() -> str | None:
    """The id of the message that brought the event being handled; when it is delivered again, the same.

    None for what no message of another process has caused.
    """
    return _message_id.get()


@contextmanager
def acting_for(context: MessageContext, *, message_id: str | None = None) -> Generator[None]:
    """Handle something on behalf of `context`: audit fields, tenant checks and events name it.

    Only a context that says `is_system` acts as the service itself. One that names nobody has no rights.
    `message_id`: what `current_message_id` gives meanwhile.
    """
    reset_invoke = current_invoke.set(_invoke(context))
    reset_message_id = _message_id.set(message_id)
    # What was built for the caller around must not serve this one.
    reset_scope = current_request_scope.set(None)
    try:
        yield
    finally:
        current_request_scope.reset(reset_scope)
        _message_id.reset(reset_message_id)
        current_invoke.reset(reset_invoke)


def _invoke(context: MessageContext) -> Invoke:
    claims = _known({"sub": context.user_id, CLAIM_TENANT: context.tenant_code})
    event = {
        "headers": _known({"traceparent": context.traceparent}),
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
    }
    kind = SystemInvoke if context.is_system else Invoke
    return kind(event, _known({"awsRequestId": context.request_id}))


def _known(values: dict[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
