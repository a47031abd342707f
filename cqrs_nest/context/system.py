"""`system_context`: work that no caller asked for, or that must reach beyond the caller's tenant, by name."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from cqrs_nest.common import Logger
from cqrs_nest.context.invoke import Invoke, current_invoke
from cqrs_nest.core import current_request_scope

_audit = Logger("Audit")


@dataclass(frozen=True, repr=False)
class SystemInvoke(Invoke):
    """What stands in the place of a caller's Invoke while the service acts on its own behalf."""


@contextmanager
def system_context(job: str) -> Generator[Invoke]:
    """Let a block act as the service itself: every tenant's keys are allowed.

    `job` says which work it is; rows that it publishes name `system:<job>` as their user. Within a request
    an audit line says who set it off.

    >>> with system_context("close-month") as invoke:
    ...     invoke.user_id
    'system:close-month'
    """
    around = current_invoke.get()
    if around is not None:
        _audit.log("system job %r set off by user %r, request %r", job, around.user_id, around.request_id)
    claims = {"sub": f"system:{job}"}
    context = {"awsRequestId": around.request_id} if around else {}
    invoke = SystemInvoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, context)
    reset_invoke = current_invoke.set(invoke)
    # What was built for the caller around must not serve this one.
    reset_scope = current_request_scope.set(None)
    try:
        yield invoke
    finally:
        current_request_scope.reset(reset_scope)
        current_invoke.reset(reset_invoke)


def current_caller() -> Invoke | None:
    """The Invoke of the caller whose work is being done; None while the service acts on its own behalf."""
    invoke = current_invoke.get()
    return None if isinstance(invoke, SystemInvoke) else invoke
