from collections.abc import AsyncIterator

import httpx
import pytest

from cqrs_nest.common import Controller, Get, Module
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.context import (
    Auth,
    AuthenticationMiddleware,
    ContextModule,
    InvokeContext,
    JwtVerifier,
    get_user_context,
)
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication, HttpOptions


@Controller("api")
class CallerController:
    @Auth("admin")
    @Get("admin")
    async def admin(self, invoke: InvokeContext) -> dict[str, str | None]:
        return {"tenant": get_user_context(invoke).tenant_code}

    @Get("open")
    async def open(self) -> dict[str, str]:
        return {}

    @Get("whoami")
    async def whoami(self, invoke: InvokeContext) -> dict[str, str | None]:
        return {"user": invoke.user_id}


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    @Module(imports=[ConfigModule.for_root(environment), ContextModule], controllers=[CallerController])
    class RootModule: ...

    container = await Container.create(RootModule)
    app = AuthenticationMiddleware(
        HttpApplication(container, HttpOptions()), container.get(JwtVerifier), environment
    )
    await container.initialize()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://todo") as client:
        yield client
    await container.close()


def bearer(environment: Environment, tenant: str | None, role: str) -> dict[str, str]:
    token = sign_development_token(environment, user="u1", tenant=tenant, roles=[role])
    return {"authorization": f"Bearer {token}"}


async def test_a_guarded_route_answers_401_403_or_the_result(
    client: httpx.AsyncClient, environment: Environment
) -> None:
    assert (await client.get("/api/admin")).json() == {"message": "Unauthorized", "statusCode": 401}
    refused = await client.get("/api/admin", headers=bearer(environment, "acme", "viewer"))
    assert refused.json()["statusCode"] == 403
    passed = await client.get("/api/admin", headers=bearer(environment, "Acme", "admin"))
    assert (passed.status_code, passed.json()) == (200, {"tenant": "acme"})


async def test_an_admin_of_no_tenant_names_one_by_the_header(
    client: httpx.AsyncClient, environment: Environment
) -> None:
    headers = bearer(environment, None, "system_admin")
    assert (await client.get("/api/admin", headers=headers)).status_code == 403
    passed = await client.get("/api/admin", headers=headers | {"x-tenant-code": "Acme"})
    assert passed.json() == {"tenant": "acme"}


async def test_a_bad_token_fails_where_the_identity_is_asked_for(client: httpx.AsyncClient) -> None:
    headers = {"authorization": "Bearer forged"}
    assert (await client.get("/api/open", headers=headers)).status_code == 200
    for path in ("/api/whoami", "/api/admin"):
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["message"] == "Invalid or malformed authorization token"


async def test_without_a_token_an_open_route_sees_nobody(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/whoami")).json() == {"user": None}
