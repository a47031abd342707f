import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.common import UnauthorizedException
from cqrs_nest.context import Invoke, UserContext, get_user_context, may_cross_tenants
from cqrs_nest.context import user as user_module

RECORDED = json.loads((Path(__file__).parent / "recorded" / "user_context.json").read_text())
FAILED = "$error"


@pytest.mark.parametrize("step", RECORDED["steps"], ids=lambda step: step["label"])
def test_the_typescript_framework_reads_the_same(
    step: dict[str, Any], invoke_with: Callable[..., Invoke]
) -> None:
    invoke = invoke_with(**step["args"])
    expected = step["result"]
    if FAILED in expected:  # it answered 500 to a malformed claim
        with pytest.raises(UnauthorizedException):
            get_user_context(invoke)
        return

    user = get_user_context(invoke)

    def defined(name: str) -> Any:
        return None if expected[name] == {"$undefined": True} else expected[name]

    assert user.user_id == defined("userId")
    assert user.tenant_code == defined("tenantCode")
    assert user.tenant_role == expected["tenantRole"]


def user_of(invoke_with: Callable[..., Invoke], **claims: Any) -> UserContext:
    named = {name if name == "sub" else f"custom:{name}": value for name, value in claims.items()}
    return get_user_context(invoke_with(named))


def test_all_roles_of_the_tenant_go_before_those_that_hold_everywhere(
    invoke_with: Callable[..., Invoke],
) -> None:
    roles = [
        {"tenant": "", "role": "g"},
        {"tenant": "A", "role": "r1"},
        {"tenant": "b", "role": "other"},
        {"tenant": "a", "role": "r2"},
        {"role": "r1"},
    ]
    user = user_of(invoke_with, sub="u", tenant="a", roles=json.dumps(roles))
    assert user.tenant_roles == ("r1", "r2", "g")
    assert user_of(invoke_with, sub="u", roles=json.dumps(roles)).tenant_roles == ()


def test_groups_are_those_of_the_first_membership(invoke_with: Callable[..., Invoke]) -> None:
    groups = [{"tenant": "b", "groups": ["x"]}, {"tenant": "A", "groups": ["g1", "g2"]}, {"tenant": "a"}]
    assert user_of(invoke_with, tenant="a", groups=json.dumps(groups)).tenant_group_ids == ("g1", "g2")
    assert user_of(invoke_with, groups=json.dumps(groups)).tenant_group_ids == ()


@pytest.mark.parametrize("groups", ["x", "{}", '[{"tenant":"a","groups":"g"}]', "[[]]", "[" * 5000])
def test_malformed_groups_are_no_groups(groups: str, invoke_with: Callable[..., Invoke]) -> None:
    assert user_of(invoke_with, tenant="a", groups=groups).tenant_group_ids == ()


@pytest.mark.parametrize(
    "roles",
    [
        "x",
        "{}",
        "null",
        "[1]",
        '["admin"]',
        '[{"tenant":5}]',
        '[{"role":["admin"]}]',
        "[" * 5000,
        5,
        ["admin"],
    ],
)
def test_malformed_roles_are_refused_without_being_quoted(
    roles: object, invoke_with: Callable[..., Invoke]
) -> None:
    with pytest.raises(UnauthorizedException) as caught:
        user_of(invoke_with, sub="u", tenant="a", roles=roles)
    assert caught.value.body()["message"] == "The claim custom:roles of the token is malformed"


def test_the_header_is_found_in_any_case(invoke_with: Callable[..., Invoke]) -> None:
    assert get_user_context(invoke_with({"sub": "u"}, {"X-Tenant-Code": "B"})).tenant_code == "b"
    assert get_user_context(invoke_with({"custom:tenant": ""}, {"x-tenant-code": "B"})).tenant_code == "b"


def test_the_claims_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    entries = user_module._entries

    def counted(adapter: Any, claims: Any, name: str) -> Any:
        reads.append(name)
        return entries(adapter, claims, name)

    monkeypatch.setattr(user_module, "_entries", counted)
    claims = {"sub": "u", "custom:tenant": "acme", "custom:roles": '[{"tenant":"","role":"a"}]'}
    invoke = Invoke({"requestContext": {"authorizer": {"claims": claims}}}, {})
    for _ in range(3):
        assert get_user_context(invoke).tenant_roles == ("a",)
        assert may_cross_tenants(invoke) is False
    assert sorted(reads) == ["custom:groups", "custom:roles"]
