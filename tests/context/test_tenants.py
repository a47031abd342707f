import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.common import ForbiddenException, UnauthorizedException
from cqrs_nest.context import Invoke, current_invoke, ensure_tenant, tenant_of
from cqrs_nest.context.tenants import TenantRules, current_tenant_rules

ADMIN_EVERYWHERE = '[{"tenant":"","role":"system_admin"}]'


@pytest.fixture
def act_as(invoke_with: Callable[..., Invoke]) -> Iterator[Callable[..., None]]:
    before = current_invoke.get()

    def act(claims: dict[str, Any] | None = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        current_invoke.set(invoke_with(claims, named))

    yield act
    current_invoke.set(before)


def test_the_system_may_use_every_key() -> None:
    ensure_tenant("TODO#acme")
    ensure_tenant("TODO")


@pytest.mark.parametrize("pk", ["TODO#acme", "TODO#Acme"])
def test_a_caller_may_use_the_keys_of_his_tenant(pk: str, act_as: Callable[..., None]) -> None:
    act_as({"sub": "u", "custom:tenant": "ACME"})
    ensure_tenant(pk)


@pytest.mark.parametrize(
    "pk",
    [
        "TODO#other",
        "TODO#acme#other",
        "TODO#other#acme",
        "TODO##acme",
        "TODO#",
        "TODO",
        "",
        "acme",
        "#acme ",
        "TODO#acm",
    ],
)
def test_other_keys_are_refused(pk: str, act_as: Callable[..., None]) -> None:
    act_as({"sub": "u", "custom:tenant": "acme"})
    with pytest.raises(ForbiddenException):
        ensure_tenant(pk)
    with pytest.raises(ForbiddenException):
        ensure_tenant(pk, reading=True)
    ensure_tenant(pk, allow_cross_tenant=True)


def test_the_header_does_not_change_the_tenant_of_a_token(act_as: Callable[..., None]) -> None:
    act_as({"sub": "u", "custom:tenant": "acme", "custom:roles": ADMIN_EVERYWHERE}, x_tenant_code="other")
    with pytest.raises(ForbiddenException):
        ensure_tenant("TODO#other")
    ensure_tenant("TODO#acme")


def test_the_header_counts_only_for_common_tenants_and_cross_tenant_roles(
    act_as: Callable[..., None],
) -> None:
    act_as({"sub": "u"}, x_tenant_code="acme")
    with pytest.raises(ForbiddenException):
        ensure_tenant("TODO#acme")
    act_as({"sub": "u"}, x_tenant_code="common")
    ensure_tenant("TODO#common", reading=True)
    act_as({"sub": "u", "custom:roles": ADMIN_EVERYWHERE}, x_tenant_code="acme")
    ensure_tenant("TODO#acme")
    with pytest.raises(ForbiddenException):
        ensure_tenant("TODO#other")


def test_a_common_tenant_is_written_by_those_whose_token_says_so(act_as: Callable[..., None]) -> None:
    act_as({"sub": "u"}, x_tenant_code="common")
    with pytest.raises(ForbiddenException):
        ensure_tenant("TODO#common")
    act_as({"sub": "u", "custom:tenant": "common"})
    ensure_tenant("TODO#common")
    act_as({"sub": "u", "custom:roles": ADMIN_EVERYWHERE}, x_tenant_code="common")
    ensure_tenant("TODO#common")


def test_nobody_has_no_tenant_whatever_the_header_says(act_as: Callable[..., None]) -> None:
    act_as(x_tenant_code="common")
    with pytest.raises(ForbiddenException):
        ensure_tenant("TODO#common", reading=True)


def test_common_keys_may_be_read_but_not_written(act_as: Callable[..., None]) -> None:
    act_as({"sub": "u", "custom:tenant": "acme"})
    ensure_tenant("MASTER#common", reading=True)
    with pytest.raises(ForbiddenException):
        ensure_tenant("MASTER#common")


def test_the_rules_of_the_service_decide_which_tenants_are_common(act_as: Callable[..., None]) -> None:
    act_as({"sub": "u", "custom:tenant": "acme"})
    reset = current_tenant_rules.set(TenantRules.of(["Shared"], []))
    try:
        ensure_tenant("MASTER#shared", reading=True)
        with pytest.raises(ForbiddenException):
            ensure_tenant("MASTER#common", reading=True)
    finally:
        current_tenant_rules.reset(reset)


def test_malformed_roles_are_refused_here_too(act_as: Callable[..., None]) -> None:
    act_as({"sub": "u", "custom:tenant": "acme", "custom:roles": "x"})
    with pytest.raises(UnauthorizedException):
        ensure_tenant("TODO#acme")


def test_the_audit_line_names_the_caller_and_not_the_key(
    act_as: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    act_as({"sub": "u1\nforged line", "custom:tenant": "acme"})
    with caplog.at_level(logging.WARNING), pytest.raises(ForbiddenException) as caught:
        ensure_tenant("TODO#canary")
    [line] = caplog.messages
    assert "acme" in line
    assert "r1" in line
    assert "\n" not in line
    assert "canary" not in line + str(caught.value.body())


@given(tenant=st.text(alphabet="ab#", min_size=1), pk=st.text(alphabet="ab#"))
def test_only_keys_of_a_type_and_the_tenant_pass(tenant: str, pk: str) -> None:
    claims = {"sub": "u", "custom:tenant": tenant}
    reset = current_invoke.set(Invoke({"requestContext": {"authorizer": {"claims": claims}}}, {}))
    try:
        ensure_tenant(pk)
        assert pk.split("#")[1:] == [tenant]
        assert tenant_of(pk) == tenant
    except ForbiddenException:
        assert pk.split("#")[1:] != [tenant]
    finally:
        current_invoke.reset(reset)
