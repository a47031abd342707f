import json
from collections.abc import Callable, Collection
from typing import Any

import pytest
from starlette.requests import Request

from cqrs_nest.common import ExecutionContext, HttpException, Reflector, UnauthorizedException
from cqrs_nest.common.api_documentation import API_HEADERS, API_SECURITY
from cqrs_nest.common.execution import GUARDS, enhancers_of
from cqrs_nest.common.metadata import find_metadata
from cqrs_nest.config import Environment
from cqrs_nest.context import Auth, HeaderTenant, Invoke, Roles, RolesGuard
from cqrs_nest.context.invoke import IDENTITY_ERROR, INVOKE

ENVIRONMENT = Environment(node_env="local", app_name="demo", common_tenant_codes=("Common", "shared"))
EVERYWHERE = ""


class SupportGuard(RolesGuard):
    """A team's own rules: supporters may name any tenant."""

    def get_cross_tenant_roles(self) -> Collection[str]:
        return {*super().get_cross_tenant_roles(), "support"}


@Auth("viewer")
class TodoController:
    async def inherit(self) -> None: ...

    @Auth("admin", "editor")
    async def write(self) -> None: ...

    @Auth()
    async def anyone(self) -> None: ...

    @Auth(guard=SupportGuard)
    async def support(self) -> None: ...


Ask = Callable[..., ExecutionContext]


@pytest.fixture
def ask(invoke_with: Callable[..., Invoke]) -> Ask:
    """A call of a route by someone with these roles, given as (tenant, role)."""

    def build(
        handler: Callable[..., Any],
        *roles: tuple[str, str],
        tenant: str | None = "acme",
        header: str | None = None,
    ) -> ExecutionContext:
        claims: dict[str, Any] = {"sub": "u1"}
        if tenant is not None:
            claims["custom:tenant"] = tenant
        if roles:
            claims["custom:roles"] = json.dumps([{"tenant": t, "role": role} for t, role in roles])
        invoke = invoke_with(claims, {"x-tenant-code": header} if header else {})
        return ExecutionContext(Request({"type": "http", INVOKE: invoke}), TodoController, handler)

    return build


@pytest.fixture
def guard() -> RolesGuard:
    return RolesGuard(Reflector(), ENVIRONMENT)


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        ([], False),
        ([("acme", "admin")], True),
        ([("ACME", "editor")], True),
        ([("acme", "Admin")], False),
        ([("acme", "viewer")], False),
        ([("other", "admin")], False),
        ([(EVERYWHERE, "admin")], True),
        ([("acme", "viewer"), ("acme", "editor")], True),
        ([("acme", "viewer"), (EVERYWHERE, "editor")], True),
        ([("acme", "system_admin")], True),
        ([(EVERYWHERE, "system_admin")], True),
        ([("other", "system_admin")], False),
    ],
)
async def test_a_route_asks_for_one_of_its_roles_in_the_callers_tenant(
    guard: RolesGuard, ask: Ask, roles: list[tuple[str, str]], allowed: bool
) -> None:
    assert await guard.can_activate(ask(TodoController.write, *roles)) is allowed


async def test_the_route_goes_before_the_controller(guard: RolesGuard, ask: Ask) -> None:
    assert not await guard.can_activate(ask(TodoController.inherit, ("acme", "editor")))
    assert await guard.can_activate(ask(TodoController.inherit, ("acme", "viewer")))
    assert await guard.can_activate(ask(TodoController.anyone))


@pytest.mark.parametrize(
    ("tenant", "header", "role", "allowed"),
    [
        (None, None, None, False),
        (None, None, (EVERYWHERE, "system_admin"), False),
        (None, "acme", None, False),
        (None, "acme", ("acme", "admin"), False),
        (None, "acme", (EVERYWHERE, "system_admin"), True),
        (None, "ACME", ("acme", "system_admin"), True),
        (None, "acme", ("other", "system_admin"), False),
        (None, "common", None, True),
        (None, "COMMON", None, True),
        (None, "shared", None, True),
        ("acme", "other", None, True),
    ],
)
async def test_the_header_names_the_tenant_only_for_those_who_may(
    guard: RolesGuard,
    ask: Ask,
    tenant: str | None,
    header: str | None,
    role: tuple[str, str] | None,
    allowed: bool,
) -> None:
    context = ask(TodoController.anyone, *([role] if role else []), tenant=tenant, header=header)
    assert await guard.can_activate(context) is allowed


async def test_a_role_of_the_tenant_hides_one_that_holds_everywhere_from_the_header(
    guard: RolesGuard, ask: Ask
) -> None:
    roles = [("acme", "viewer"), (EVERYWHERE, "system_admin")]
    assert not await guard.can_activate(ask(TodoController.anyone, *roles, tenant=None, header="acme"))


async def test_an_admin_with_a_tenant_acts_in_his_own_whatever_the_header_says(
    guard: RolesGuard, ask: Ask
) -> None:
    context = ask(TodoController.write, ("other", "admin"), tenant="acme", header="other")
    assert not await guard.can_activate(context)


async def test_a_subclass_changes_one_rule(ask: Ask) -> None:
    def context() -> ExecutionContext:
        return ask(TodoController.support, (EVERYWHERE, "support"), tenant=None, header="acme")

    assert not await RolesGuard(Reflector(), ENVIRONMENT).can_activate(context())
    assert await SupportGuard(Reflector(), ENVIRONMENT).can_activate(context())


class OneRoleGuard(RolesGuard):
    def get_user_role(self, context: ExecutionContext) -> str:
        return "admin"


async def test_a_subclass_may_say_a_single_role(ask: Ask) -> None:
    assert await OneRoleGuard(Reflector(), ENVIRONMENT).can_activate(ask(TodoController.write))


async def test_without_a_good_token_the_answer_is_401(guard: RolesGuard) -> None:
    anonymous = Request({"type": "http"})
    with pytest.raises(UnauthorizedException):
        await guard.can_activate(ExecutionContext(anonymous, TodoController, TodoController.anyone))

    refused = Request({"type": "http", IDENTITY_ERROR: UnauthorizedException("bad")})
    with pytest.raises(HttpException, match="bad") as caught:
        await guard.can_activate(ExecutionContext(refused, TodoController, TodoController.anyone))
    assert caught.value.status == 401


async def test_a_tenant_in_the_header_is_no_identity(
    guard: RolesGuard, invoke_with: Callable[..., Invoke]
) -> None:
    invoke = invoke_with({}, {"x-tenant-code": "common"})
    request = Request({"type": "http", INVOKE: invoke})
    with pytest.raises(UnauthorizedException):
        await guard.can_activate(ExecutionContext(request, TodoController, TodoController.anyone))


def test_auth_and_header_tenant_are_documented() -> None:
    @HeaderTenant()
    @Auth()
    async def handler() -> None: ...

    assert find_metadata(handler, API_SECURITY) == ("bearer",)
    assert [header.name for header in find_metadata(handler, API_HEADERS, ())] == ["x-tenant-code"]


def test_auth_puts_the_guard_on_the_route() -> None:
    assert enhancers_of(TodoController.write, GUARDS) == (RolesGuard,)
    assert enhancers_of(TodoController.support, GUARDS) == (SupportGuard,)

    @Roles("admin")
    async def only_marked() -> None: ...

    assert enhancers_of(only_marked, GUARDS) == ()
