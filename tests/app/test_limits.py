"""What the environment says about callers: how often they may ask, and from which pages."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cqrs_nest.app import CqrsNest, NestApplication
from cqrs_nest.common import Controller, Get, Module
from cqrs_nest.config import Environment
from cqrs_nest.context import JwtVerifier
from cqrs_nest.context.development_keys import sign_development_token


@Controller("cats")
class Cats:
    @Get()
    async def find(self) -> list[str]:
        return []


@Module(controllers=[Cats])
class Root: ...


@pytest.fixture
async def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    monkeypatch.chdir(tmp_path)
    applications: list[NestApplication] = []

    async def create(**settings: Any) -> httpx.AsyncClient:
        environment = Environment(node_env="local", app_name="cats", **settings)
        applications.append(await CqrsNest.create(Root, env=environment))
        transport = httpx.ASGITransport(applications[-1], client=("192.0.2.1", 1))
        return httpx.AsyncClient(transport=transport, base_url="http://cats")

    yield create
    for application in applications:
        await application.close()


def bearer(user: str) -> dict[str, str]:
    environment = Environment(node_env="local", app_name="cats")
    return {"authorization": f"Bearer {sign_development_token(environment, user=user, tenant='acme')}"}


async def test_each_user_has_his_own_limit_and_nobody_that_of_the_address(start: Callable[..., Any]) -> None:
    client = await start(rate_limit_per_minute=2)
    for headers in ({}, bearer("ann"), bearer("bob")):
        answers = [(await client.get("/cats", headers=headers)).status_code for _ in range(3)]
        assert answers == [200, 200, 429]
    forged = {"authorization": "Bearer forged"}
    assert (await client.get("/cats", headers=forged)).status_code == 429


async def test_without_a_setting_there_is_none(start: Callable[..., Any]) -> None:
    client = await start()
    assert {(await client.get("/cats")).status_code for _ in range(50)} == {200}


async def test_only_listed_origins_may_call(start: Callable[..., Any]) -> None:
    client = await start(cors_origins=("https://app.example",))
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        answer = await client.get("/cats", headers={"origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert answer.headers["vary"] == "Origin"


async def test_users_of_two_tenants_may_have_one_name(start: Callable[..., Any]) -> None:
    client = await start(rate_limit_per_minute=1)
    environment = Environment(node_env="local", app_name="cats")
    for tenant in ("acme", "umbrella"):
        token = sign_development_token(environment, user="ann", tenant=tenant)
        headers = {"authorization": f"Bearer {token}"}
        assert [(await client.get("/cats", headers=headers)).status_code for _ in range(2)] == [200, 429]


async def test_an_address_that_sends_bad_tokens_has_no_more_of_them_checked(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await start(rate_limit_per_minute=3)
    checked: list[str] = []
    verify = JwtVerifier.verify

    async def counted(self: JwtVerifier, token: str) -> Any:
        checked.append(token)
        return await verify(self, token)

    monkeypatch.setattr(JwtVerifier, "verify", counted)
    for number in range(6):
        await client.get("/cats", headers={"authorization": f"Bearer forged{number}"})
    assert checked == ["forged0", "forged1", "forged2"]
    answer = await client.get("/cats", headers={"authorization": "Bearer forged"})
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


async def test_good_tokens_of_one_address_do_not_count_against_it(start: Callable[..., Any]) -> None:
    client = await start(rate_limit_per_minute=2)
    for number in range(6):
        assert (await client.get("/cats", headers=bearer(f"user {number}"))).status_code == 200
