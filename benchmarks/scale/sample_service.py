"""The sample application with AWS that answers at once, and callers of as many tenants as one likes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from benchmarks.http import scope_of
from cqrs_nest.app import CqrsNest, NestApplication
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import provide
from cqrs_nest.core import Overrides
from sample_app.main_module import MainModule
from sample_app.settings import Settings

KEY = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
PAGE = 10
"""Rows of a list."""


class AnsweringAws(AwsSession):
    """Keeps nothing: what is written is forgotten, and every todo that is asked for is there."""

    calls = 0

    async def call(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        self.calls += 1
        match operation:
            case "get_item" if request["TableName"].endswith(("todo-data", "todo-command")):
                return {"Item": _todo(request["Key"]["pk"], request["Key"]["sk"]["S"])}
            case "query" if request["TableName"].endswith("todo-data"):
                pk = next(iter(request["ExpressionAttributeValues"].values()))
                return {"Items": [_todo(pk, f"{number:026}") for number in range(PAGE)]}
            case "query":
                return {"Items": []}
            case "batch_get_item":
                return {"Responses": {}}
            case "update_item":
                return {"Attributes": {**request["Key"], "seq": {"N": "1"}}}
            case "publish":
                return {"MessageId": "1"}
        return {}


def _todo(pk: Mapping[str, Any], sk: str) -> dict[str, Any]:
    tenant = pk["S"].partition("#")[2]
    texts = {
        "sk": sk,
        "id": f"{pk['S']}#{sk}",
        "cpk": pk["S"],
        "csk": f"{sk}@1",
        "code": sk,
        "name": "milk",
        "type": "TODO",
        "tenantCode": tenant,
    }
    attributes = {"M": {"done": {"BOOL": False}}}
    row = {name: {"S": text} for name, text in texts.items()}
    return {"pk": dict(pk), **row, "version": {"N": "1"}, "attributes": attributes}


def token_of(user: str, tenant: str) -> str:
    """A token as the identity provider signs it, for a day."""
    now = int(time.time())
    claims = {"sub": user, "custom:tenant": tenant, "iat": now, "exp": now + 86_400}
    return jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims, KEY, ["ES256"])


@dataclass(frozen=True)
class SampleService:
    """The running application."""

    app: NestApplication
    aws: AnsweringAws

    @property
    def database(self) -> str:
        """The URL of the read model."""
        url = self.app.get(Settings).database_url
        assert url is not None
        return url

    async def request(
        self,
        method: str,
        path: str,
        token: str | None,
        *,
        body: Any = None,
        request_id: str = "1",
        query: str = "",
        address: str = "192.0.2.1",
    ) -> int:
        """Ask as a server does; the status of the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = [
            (b"host", b"localhost"),
            (b"x-request-id", request_id.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
        ]
        if token is not None:
            headers.append((b"authorization", b"Bearer " + token.encode()))
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]

        await self.app(scope_of(method, path, headers, query, address), receive, send)
        return status

    async def settle(self) -> None:
        """Wait for what publishes do after their answer."""
        for table in self.app.get(CommandTableRegistry).tables:
            await table.get(PublishNotes).drain()


def _settings(folder: str) -> Settings:
    keys = Path(folder, "jwks.json")
    keys.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    return Settings(
        node_env="prod",
        app_name="bench",
        log_level="fatal",
        check_tables=False,
        sns_topic_arn="arn:aws:sns:eu-west-1:1:main",
        jwks_file=keys,
        rate_limit_per_minute=1_000_000,
        database_url=f"sqlite+aiosqlite:///{folder}/todo.sqlite3",
    )


@asynccontextmanager
async def sample_service() -> AsyncIterator[SampleService]:
    """One that runs while the block does, with a read model of its own."""
    with TemporaryDirectory() as folder:
        settings = _settings(folder)
        overrides = Overrides()
        overrides.provider(AwsSession, provide(AwsSession, use_class=AnsweringAws))
        app = await CqrsNest.create(MainModule, env=settings, overrides=overrides)
        aws = app.get(AwsSession)
        assert isinstance(aws, AnsweringAws)
        try:
            yield SampleService(app, aws)
        finally:
            await app.close()
