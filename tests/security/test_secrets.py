"""Canaries: what must not be seen stands in requests and settings, and is looked for in logs and answers."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.app.logging import JsonFormatter, NestFormatter
from cqrs_nest.common import Body, Controller, Get, Module, Post
from cqrs_nest.config import Environment, InvalidEnvironmentError
from cqrs_nest.context import Auth, InvokeContext
from cqrs_nest.context.development_keys import DEVELOPMENT_KEY, sign_development_token
from cqrs_nest.http import Dto
from cqrs_nest.read_models import SqlDatabase, SqlModule

CANARY = "canary4f1d"


class LoginDto(Dto):
    password: str
    pin: int


@Controller("api")
class ApiController:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @Auth("admin")
    @Get("admin")
    async def admin(self) -> str:
        return "in"

    @Post("login")
    async def login(self, login: Annotated[LoginDto, Body()]) -> str:
        return "in"

    @Get("whoami")
    async def whoami(self, invoke: InvokeContext) -> str:
        logging.getLogger("cqrs_nest.Application").info("asked by %r in %r", invoke, self)
        return "in"

    @Get("broken")
    async def broken(self, invoke: InvokeContext) -> str:
        raise RuntimeError(f"cannot serve {invoke}")

    @Get("database")
    async def database(self) -> None:
        async with self._database.connect():
            """The database is not there."""


@Module(imports=[SqlModule.register()], controllers=[ApiController])
class Root: ...


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    return Environment(
        node_env="local",
        app_name="x",
        log_level="verbose",
        database_url=f"sqlite+aiosqlite:///{tmp_path}/{CANARY}/no/such/folder.sqlite3",
    )


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    application = await CqrsNest.create(Root, env=environment)
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield client
    await application.close()


def written(caplog: pytest.LogCaptureFixture) -> str:
    """All lines in both formats, with the stacks of errors; without those of the test's own client."""
    records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    return "\n".join(each.format(record) for record in records for each in (NestFormatter(), JsonFormatter()))


async def test_no_secret_of_a_request_is_in_a_log_or_an_answer(
    client: httpx.AsyncClient, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)
    logging.getLogger("cqrs_nest").setLevel(logging.NOTSET)
    token = sign_development_token(environment, user="u1", tenant="acme", roles=["viewer"])
    forged = f"{token.rpartition('.')[0]}.{CANARY}"
    answers = []
    for authorization in (
        f"Bearer {token}",
        f"Bearer {forged}",
        f"Bearer {CANARY}",
        f"Basic {CANARY}",
        CANARY,
    ):
        headers = {
            "authorization": authorization,
            "proxy-authorization": f"Basic {CANARY}",
            "cookie": f"session={CANARY}",
            "x-api-key": CANARY,
        }
        for path in ("admin", "whoami", "broken", "database", f"admin?token={CANARY}"):
            answers.append(await client.get(f"/api/{path}", headers=headers))
        for body in (
            {"password": CANARY},
            {"password": CANARY, "pin": CANARY},
            {"password": [CANARY], "pin": 1},
        ):
            answers.append(await client.post("/api/login", json=body, headers=headers))
        broken = f'{{"password": "{CANARY}", '.encode()
        json_type = {**headers, "content-type": "application/json"}
        answers.append(await client.post("/api/login", content=broken, headers=json_type))

    assert {401, 403, 400, 500, 200} <= {answer.status_code for answer in answers}
    lines = written(caplog)
    assert "cannot serve Invoke(user_id='u1'" in lines
    assert "token refused" in lines
    _, payload, signature = token.split(".")
    for secret in (CANARY, token, payload, signature):
        assert secret not in lines
        assert not [answer for answer in answers if secret in answer.text]


async def test_the_request_that_is_logged_by_its_target_shows_no_query(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)
    await client.get(f"/nowhere?reset-token={CANARY}")
    await client.get(f"/api/broken?reset-token={CANARY}")
    assert CANARY not in written(caplog)


def test_no_secret_of_the_settings_is_shown(environment: Environment) -> None:
    assert CANARY not in repr(environment)
    with pytest.raises(InvalidEnvironmentError) as caught:
        Environment.load(
            environ={
                "NODE_ENV": CANARY,
                "APP_NAME": f"{CANARY} {CANARY}",
                "DATABASE_URL": f"postgresql+asyncpg://u:{CANARY}@h/d",
                "APP_PORT": CANARY,
            }
        )
    assert CANARY not in str(caught.value)


def test_the_development_key_is_for_its_owner(environment: Environment) -> None:
    sign_development_token(environment, user="u", tenant="acme")
    assert DEVELOPMENT_KEY.stat().st_mode & 0o077 == 0
    assert DEVELOPMENT_KEY.parent.stat().st_mode & 0o077 == 0
    public = json.loads((DEVELOPMENT_KEY.parent / "development-jwks.json").read_text())
    assert all("d" not in key for key in public["keys"])


def test_a_key_that_is_none_is_not_quoted(environment: Environment) -> None:
    DEVELOPMENT_KEY.parent.mkdir()
    DEVELOPMENT_KEY.write_text(f'{{"kty": "EC", "d": "{CANARY}"}}')
    with pytest.raises(Exception, match="is no key") as caught:
        sign_development_token(environment, user="u", tenant="acme")
    error: Any = caught.value
    assert CANARY not in str(error) + str(error.__cause__)
