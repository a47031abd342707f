import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from cqrs_nest.common import Controller, Get, Injectable, Module, Scope
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.context import (
    Auth,
    AuthenticationMiddleware,
    ContextModule,
    GroupMembership,
    GroupRoleResolver,
    GroupRoleResolverError,
    JwtVerifier,
)
from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication, HttpOptions

ENVIRONMENT = Environment(node_env="local", app_name="demo")


@Controller("api")
class WriterController:
    @Auth("editor")
    @Get("write")
    async def write(self) -> str:
        return "done"


@GroupRoleResolver()
class TeamRoles:
    def __init__(self) -> None:
        self.asked: list[GroupMembership] = []

    async def resolve_roles(self, membership: GroupMembership) -> list[str]:
        self.asked.append(membership)
        if "broken" in membership.group_ids:
            raise RuntimeError("the directory is down")
        return {"writers": ["editor"], "owners": ["system_admin"]}.get(membership.group_ids[0], [])


@GroupRoleResolver()
class OtherRoles:
    def resolve_roles(self, membership: GroupMembership) -> list[str]:
        return []


async def application(*providers: Any) -> Container:
    @Module(
        imports=[ConfigModule.for_root(ENVIRONMENT), ContextModule],
        controllers=[WriterController],
        providers=list(providers),
    )
    class RootModule: ...

    container = await Container.create(RootModule)
    await container.initialize()
    return container


@pytest.fixture
async def container() -> AsyncIterator[Container]:
    container = await application(TeamRoles)
    yield container
    await container.close()


@pytest.fixture
def ask(container: Container) -> Callable[..., Any]:
    """Calls the route as a member of groups of a tenant, as a gateway in Lambda says."""
    routes = HttpApplication(container, HttpOptions())
    app = AuthenticationMiddleware(routes, container.get(JwtVerifier), ENVIRONMENT)

    async def call(*groups: str, tenant: str = "acme", roles: str = "[]") -> int:
        claims = {
            "sub": "u1",
            "custom:tenant": "acme",
            "custom:roles": roles,
            "custom:groups": json.dumps([{"tenant": tenant, "groups": groups}]),
        }
        event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}

        async def in_lambda(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "aws.event": event}, receive, send)

        transport = httpx.ASGITransport(in_lambda)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return (await client.get("/api/write")).status_code

    return call


async def test_groups_give_roles(ask: Callable[..., Any]) -> None:
    assert await ask("writers") == 200
    assert await ask("readers") == 403
    assert await ask("owners") == 200


async def test_groups_of_another_tenant_give_none(ask: Callable[..., Any], container: Container) -> None:
    assert await ask("writers", tenant="umbrella") == 403
    assert container.get(TeamRoles).asked == []


async def test_nobody_is_asked_when_the_token_is_enough(
    ask: Callable[..., Any], container: Container
) -> None:
    assert await ask("readers", roles='[{"tenant":"acme","role":"editor"}]') == 200
    assert container.get(TeamRoles).asked == []
    await ask("readers")
    [membership] = container.get(TeamRoles).asked
    assert (membership.tenant_code, membership.group_ids) == ("acme", ("readers",))
    assert membership.claims["sub"] == "u1"


async def test_a_resolver_that_fails_lets_nobody_pass(ask: Callable[..., Any]) -> None:
    assert await ask("broken") == 500


async def test_without_a_resolver_groups_mean_nothing() -> None:
    container = await application()
    await container.close()


async def test_a_second_resolver_stops_the_start() -> None:
    with pytest.raises(GroupRoleResolverError, match=r"Only one @GroupRoleResolver.*TeamRoles.*OtherRoles"):
        await application(TeamRoles, OtherRoles)


async def test_a_resolver_of_each_request_stops_the_start() -> None:
    @GroupRoleResolver()
    @Injectable(scope=Scope.REQUEST)
    class Scoped:
        def resolve_roles(self, membership: GroupMembership) -> list[str]:
            return []

    with pytest.raises(GroupRoleResolverError, match="not one instance for all requests"):
        await application(Scoped)
