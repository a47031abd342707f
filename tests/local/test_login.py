"""The login of development: real tokens for this machine's own pages, and for nobody else's."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from cqrs_nest.config import Environment
from cqrs_nest.context import JwtVerifier
from cqrs_nest.local import LocalUser
from cqrs_nest.local.login import DevelopmentLogin

PATH = "/development/login"
WISH = {"user": "ann", "tenant": "acme", "roles": ["admin"]}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    return Environment(node_env="local", app_name="todo")


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    users = [LocalUser("ann", "acme", roles=("admin", '"x"')), LocalUser("<b>", None)]
    app = DevelopmentLogin(PlainTextResponse("the application"), environment, users)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
        yield client


async def test_the_verifier_accepts_what_it_signs(
    client: httpx.AsyncClient, environment: Environment
) -> None:
    answer = await client.post(PATH, json=WISH)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    claims = await JwtVerifier(environment).verify(answer.json()["token"])
    assert (claims["sub"], claims["custom:tenant"]) == ("ann", "acme")
    assert json.loads(claims["custom:roles"]) == [{"tenant": "acme", "role": "admin"}]


async def test_without_a_tenant_roles_hold_in_every_one(
    client: httpx.AsyncClient, environment: Environment
) -> None:
    answer = await client.post(PATH, json={"user": "op", "roles": ["system_admin"]})
    claims = await JwtVerifier(environment).verify(answer.json()["token"])
    assert "custom:tenant" not in claims
    assert json.loads(claims["custom:roles"]) == [{"tenant": "", "role": "system_admin"}]


async def test_the_page_offers_users(client: httpx.AsyncClient) -> None:
    page = await client.get(PATH)
    assert "ann of acme (admin, &quot;x&quot;)" in page.text
    assert "&lt;b&gt; of every tenant" in page.text
    assert "Log in to todo" in page.text
    assert "<b>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "fetch(" in (await client.get(f"{PATH}/page.js")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3001"},
        {"host": "evil.example:3000"},
        {"host": "evil.example:3000", "origin": "http://evil.example:3000"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost@evil.example"},
        {"host": ""},
    ],
)
async def test_pages_of_others_get_nothing(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, PATH, json=WISH, headers=headers)
        assert answer.status_code == 403
        assert "token" not in answer.json()
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"])
async def test_this_machine_has_several_names(client: httpx.AsyncClient, host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}"}
    assert (await client.post(PATH, json=WISH, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {}}, 400),
        ({"json": {"user": ""}}, 400),
        ({"json": [1]}, 400),
        ({"json": {"user": "a", "roles": "admin"}}, 400),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"data": {"user": "ann"}}, 415),
        ({"content": json.dumps(WISH), "headers": {"content-type": "text/plain"}}, 415),
        ({"json": {"user": "a" * 20_000}}, 413),
    ],
)
async def test_a_bad_wish_is_refused(client: httpx.AsyncClient, options: dict[str, Any], status: int) -> None:
    answer = await client.post(PATH, **options)
    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)


@pytest.mark.parametrize("path", ["/", "/development", "/development/loginx", "/login"])
async def test_everything_else_is_the_applications(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).text == "the application"


async def test_what_is_below_it_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{PATH}/other")).status_code == 404
    assert (await client.delete(PATH)).status_code == 404
