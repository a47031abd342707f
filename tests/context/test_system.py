import logging
from collections.abc import Callable

import pytest

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, current_caller, current_invoke, ensure_tenant, system_context
from cqrs_nest.core import RequestScope, current_request_scope


def test_a_system_job_may_use_every_key_and_has_a_name() -> None:
    with system_context("close-month") as invoke:
        assert current_invoke.get() is invoke
        assert current_caller() is None
        assert invoke.user_id == "system:close-month"
        ensure_tenant("TODO#acme")
        ensure_tenant("TODO#umbrella")
    assert current_invoke.get() is None


def test_within_a_request_it_is_said_who_set_it_off(
    invoke_with: Callable[..., Invoke], caplog: pytest.LogCaptureFixture
) -> None:
    caller = invoke_with({"sub": "u1", "custom:tenant": "acme"})
    reset = current_invoke.set(caller)
    scope = RequestScope()
    reset_scope = current_request_scope.set(scope)
    try:
        with caplog.at_level(logging.INFO), system_context("count") as invoke:
            ensure_tenant("TODO#umbrella")
            assert invoke.request_id == "r1"
            assert current_request_scope.get() is None
        assert current_caller() is caller
        assert current_request_scope.get() is scope
        with pytest.raises(ForbiddenException):
            ensure_tenant("TODO#umbrella")
    finally:
        current_request_scope.reset(reset_scope)
        current_invoke.reset(reset)
    assert caplog.messages[0] == "system job 'count' set off by user 'u1', request 'r1'"


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="x"), system_context("job"):
        raise ValueError("x")
    assert current_invoke.get() is None


def test_a_token_cannot_name_the_system(invoke_with: Callable[..., Invoke]) -> None:
    reset = current_invoke.set(invoke_with({"sub": "system:close-month"}))
    try:
        with pytest.raises(ForbiddenException):
            ensure_tenant("TODO#acme")
    finally:
        current_invoke.reset(reset)
