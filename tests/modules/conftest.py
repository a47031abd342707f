"""Applications of one or several feature modules, on embedded AWS, asked over real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from cqrs_nest.common import DynamicModule, Import, Module
from cqrs_nest.context import Invoke
from cqrs_nest.local import LocalRuntime, Queue, listen

TENANT = "acme"
ADMIN = ("system_admin",)


@Module()
class Root:
    """The application around the modules under test."""


class RunningApplication:
    """A running application, as its callers and its neighbours on AWS see it."""

    def __init__(self, runtime: LocalRuntime, client: httpx.AsyncClient, subscriber: str) -> None:
        self.runtime = runtime
        self._client = client
        self._subscriber = subscriber
        self._dynamodb = runtime.session.client("dynamodb")

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = "ann",
        tenant: str = TENANT,
        roles: Sequence[str] = ADMIN,
        only_there: bool = False,
        **options: Any,
    ) -> httpx.Response:
        """Ask as a user of a tenant whose roles hold everywhere, or only there; without a user, no token."""
        headers = {}
        if user is not None:
            held = {"roles" if only_there else "everywhere": list(roles)}
            headers["authorization"] = f"Bearer {self.runtime.token(user=user, tenant=tenant, **held)}"
        return await self._client.request(method, path, json=body, headers=headers, **options)

    async def clear(self) -> None:
        """Let what is under way end, and take every row and message away."""
        await self.drain()
        for table in self._dynamodb.list_tables()["TableNames"]:
            for row in self._dynamodb.scan(TableName=table)["Items"]:
                self._dynamodb.delete_item(TableName=table, Key={"pk": row["pk"], "sk": row["sk"]})
        await self.drain()
        await self.messages()

    async def drain(self) -> None:
        """Let everything that was written be worked off."""
        await self.runtime.drain()

    def row(self, table: str, pk: str, sk: str) -> dict[str, Any] | None:
        """A raw row."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        return self._dynamodb.get_item(TableName=self._physical(table), Key=key).get("Item")

    def put(self, table: str, row: Mapping[str, Any]) -> None:
        """Write a raw row, as another service would."""
        self._dynamodb.put_item(TableName=self._physical(table), Item=row)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All raw rows of a table by their keys."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._physical(table))
        rows = [row for page in pages for row in page["Items"]]
        return sorted(rows, key=lambda row: (row["pk"]["S"], row["sk"]["S"]))

    async def messages(self) -> list[dict[str, Any]]:
        """What the main topic's subscriber has got since it was last asked."""
        call = self.runtime.session.call
        bodies: list[dict[str, Any]] = []
        while messages := (
            await call("sqs", "receive_message", QueueUrl=self._subscriber, MaxNumberOfMessages=10)
        ).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                await call(
                    "sqs",
                    "delete_message",
                    QueueUrl=self._subscriber,
                    ReceiptHandle=message["ReceiptHandle"],
                )
        return bodies

    def _physical(self, table: str) -> str:
        return f"local-shop-{table}"


@asynccontextmanager
async def running(*imports: Import, providers: Sequence[Any] = ()) -> AsyncIterator[RunningApplication]:
    """An application of the given modules, running until the block ends; one at a time in a process."""
    root = DynamicModule(Root, imports=imports, providers=providers)
    variables = {"APP_NAME": "shop", "DATABASE_URL": "", "LOG_LEVEL": "fatal"}
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(root, listener=listener, variables=variables) as runtime:
            url = await runtime.aws.create_queue(runtime.session, Queue("subscriber"))
            async with httpx.AsyncClient(base_url=runtime.url, trust_env=False, timeout=30) as client:
                yield RunningApplication(runtime, client, url)


def path_of(*parts: str) -> str:
    """A path of which each part is percent-encoded."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def invoke_of(tenant: str, user: str = "ann", roles: Sequence[str] = ()) -> Invoke:
    """What a request of a user carries into the services."""
    claims = {
        "sub": user,
        "custom:tenant": tenant,
        "custom:roles": json.dumps([{"tenant": "", "role": role} for role in roles]),
    }
    request = {"authorizer": {"jwt": {"claims": claims}}, "http": {"sourceIp": "10.0.0.9"}}
    return Invoke({"requestContext": request}, {"awsRequestId": "request-1"})


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone in which deployed services run."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Everybody:
    """A guard that lets everybody pass."""

    def can_activate(self, context: object) -> bool:
        return True
