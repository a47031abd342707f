"""On whose behalf a message is handled: read from the request, handed on to other services."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cqrs_nest.buses import MessageContext, outgoing_traceparent
from cqrs_nest.context import Invoke, current_caller, current_invoke
from cqrs_nest.context.tenants import acting_tenant
from cqrs_nest.context.user import CLAIM_TENANT
from cqrs_nest.core import current_request_scope

_system_trace: ContextVar[str | None] = ContextVar("system_trace", default=None)
"""The trace of an event that no request has caused."""


def current_message_context() -> MessageContext:
    """The context of the request or event being handled; an empty one where nobody asked for the work.

    It follows commands, events, sagas and background work by itself. Request-scoped handlers can also
    take it as a constructor parameter, `context: MessageContext`.

    >>> current_message_context()
    MessageContext(request_id=None, user_id=None, tenant_code=None, traceparent=None)
    """
    invoke = current_caller()
    if invoke is None:
        return MessageContext(traceparent=outgoing_traceparent(_system_trace.get()))
    return MessageContext(
        invoke.request_id,
        invoke.user_id,
        acting_tenant(invoke),
        outgoing_traceparent(invoke.headers.get("traceparent")),
    )


@contextmanager
def acting_for(context: MessageContext) -> Generator[None]:
    """Handle something on behalf of `context`: audit fields, tenant checks and events name it.

    A context of nobody and no request is the system itself. A request of a caller without an identity
    is not, and stays without rights.
    """
    is_system = context == MessageContext(traceparent=context.traceparent)
    reset_invoke = current_invoke.set(None if is_system else _invoke(context))
    reset_trace = _system_trace.set(context.traceparent if is_system else None)
    # What was built for the caller around must not serve this one.
    reset_scope = current_request_scope.set(None)
    try:
        yield
    finally:
        current_request_scope.reset(reset_scope)
        _system_trace.reset(reset_trace)
        current_invoke.reset(reset_invoke)


def _invoke(context: MessageContext) -> Invoke:
    claims = _known({"sub": context.user_id, CLAIM_TENANT: context.tenant_code})
    event = {
        "headers": _known({"traceparent": context.traceparent}),
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
    }
    return Invoke(event, _known({"awsRequestId": context.request_id}))


def _known(values: dict[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
