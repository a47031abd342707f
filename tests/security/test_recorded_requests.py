"""The recorded requests to the TypeScript service that should not have been answered as they were.

The routes are those of the recorded application, which hand bodies to `CommandService` as they come: only the
data layer stands between a caller and another tenant's rows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsSession
from cqrs_nest.common import Body, Controller, Get, Module, Param, Post, Put
from cqrs_nest.config import Environment
from cqrs_nest.context import Auth, InvokeContext, get_user_context
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.cqrs import CommandModel, CommandService, CqrsModule, DataEntity, DataService
from tests.emulated_aws import emulated_aws

REGION = "ap-northeast-1"
TABLES = ("todo-command", "todo-data", "todo-history", "master-data", "session")
ENVIRONMENT = Environment(
    node_env="local",
    app_name="demo",
    dynamodb_region=REGION,
    s3_region=REGION,
    sns_region=REGION,
    sqs_region=REGION,
    s3_bucket_name="local-bucket",
)


@Auth()
@Controller("api")
class RecordedController:
    def __init__(self, commands: CommandService, data: DataService) -> None:
        self._commands = commands
        self._data = data

    @Get("testing/whoami")
    async def whoami(self, invoke: InvokeContext) -> str | None:
        return get_user_context(invoke).user_id

    @Post("testing/sync-full")
    async def sync_full(
        self, invoke: InvokeContext, body: Annotated[dict[str, Any], Body()]
    ) -> CommandModel | None:
        return await self._commands.publish_sync(body, invoke_context=invoke)

    @Put("testing/sync-raw")
    async def sync_raw(
        self, invoke: InvokeContext, body: Annotated[dict[str, Any], Body()]
    ) -> CommandModel | None:
        return await self._commands.publish_partial_update_sync(body, invoke_context=invoke)

    @Get("todo/:pk/:sk")
    async def get(
        self, pk: Annotated[str, Param("pk")], sk: Annotated[str, Param("sk")]
    ) -> DataEntity | None:
        return await self._data.get_item(pk=pk, sk=sk)


@Module(imports=[CqrsModule.register(table_name="todo", events="off")], controllers=[RecordedController])
class RecordedModule: ...


class Recorded:
    """The application, a client of it and what is in its tables."""

    def __init__(self, client: httpx.AsyncClient, session: AwsSession) -> None:
        self.client = client
        self._dynamodb = session.client("dynamodb")

    async def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
        signed = sign_development_token(ENVIRONMENT, user="user-1", tenant="tenant01", roles=["admin"])
        headers = {"authorization": f"Bearer {token or signed}"}
        return await self.client.request(method, path, json=body, headers=headers)

    def rows(self) -> dict[str, Any]:
        names = [f"local-demo-{name}" for name in TABLES]
        return {name: self._dynamodb.scan(TableName=name)["Items"] for name in names}


@pytest.fixture
async def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorded]:
    monkeypatch.chdir(tmp_path)
    with emulated_aws():
        application = await CqrsNest.create(RecordedModule, env=ENVIRONMENT)
        session = application.get(AwsSession)
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        types = [{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys]
        for name in TABLES:
            session.client("dynamodb").create_table(
                TableName=f"local-demo-{name}",
                KeySchema=keys,
                AttributeDefinitions=types,
                BillingMode="PAY_PER_REQUEST",
            )
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            yield Recorded(client, session)
        await application.close()


def todo(sk: str = "X", tenant: str = "tenant01", **more: Any) -> dict[str, Any]:
    pk = f"TODO#{tenant}"
    named = {"id": f"{pk}#{sk}", "name": "first", "type": "TODO", "attributes": {"a": 1}}
    return {"pk": pk, "sk": sk, "version": 0, "tenantCode": tenant, **named, **more}


def unsigned(claims: Mapping[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "none"}, claims)
    ]
    return b".".join([*parts, b""]).decode()


async def test_an_unsigned_token_is_nobody(recorded: Recorded) -> None:
    roles = '[{"tenant":"","role":"system_admin"}]'
    token = unsigned({"sub": "anyone", "custom:tenant": "tenant99", "custom:roles": roles, "exp": 2**33})
    response = await recorded.ask("GET", "/api/testing/whoami", token=token)
    assert response.status_code == 401
    assert (await recorded.ask("GET", "/api/testing/whoami")).text == "user-1"


FOREIGN = {
    "a key": todo(tenant="tenant02"),
    "a key, the caller's tenant beside it": todo(tenant="tenant02", tenantCode="tenant01"),
    "a tenant": todo(tenantCode="tenant02"),
    "an id": todo(id="TODO#tenant02#X"),
    "an id of another kind": todo(id="NOTE#tenant02#X"),
    "an id of another item": todo(id="TODO#tenant01#Y"),
    "a reference to S3": todo(
        attributes="s3://local-bucket/ddb/local-demo-todo-command/TODO#tenant02/S1@1/x.json"
    ),
    "a reference to S3 elsewhere": todo(attributes="s3://local-bucket/uploads/x"),
    "a key of no tenant": todo(pk="TODO"),
    "a key with one tenant more": todo(pk="TODO#tenant01#tenant02"),
    "a key with the caller's tenant behind another": todo(pk="TODO#tenant02#tenant01"),
}


@pytest.mark.parametrize("route", ["POST /api/testing/sync-full", "PUT /api/testing/sync-raw"])
async def test_a_body_names_nothing_of_another_tenant(recorded: Recorded, route: str) -> None:
    before = recorded.rows()
    for name, body in FOREIGN.items():
        response = await recorded.ask(*route.split(), body)
        assert (response.status_code, response.json()["error"]) == (403, "Forbidden"), name
    assert recorded.rows() == before


async def test_a_path_names_nothing_of_another_tenant(recorded: Recorded) -> None:
    assert (await recorded.ask("GET", "/api/todo/TODO%23tenant02/X")).status_code == 403


STRANGE = {
    "__proto__": {"polluted": "yes"},
    "constructor": {"prototype": {"polluted": "yes"}},
    "__class__": "x",
}


async def test_names_with_a_meaning_elsewhere_are_data(recorded: Recorded) -> None:
    assert (await recorded.ask("POST", "/api/testing/sync-full", todo("PP"))).status_code == 201
    change = {"pk": "TODO#tenant01", "sk": "PP", "version": 1, "attributes": STRANGE}
    response = await recorded.ask("PUT", "/api/testing/sync-raw", change)
    assert (response.status_code, response.json()["attributes"]) == (200, {"a": 1, **STRANGE})
    assert not hasattr(object(), "polluted")
    read = await recorded.ask("GET", "/api/todo/TODO%23tenant01/PP")
    assert read.json()["attributes"] == {"a": 1, **STRANGE}


async def test_a_body_does_not_say_what_the_framework_knows(recorded: Recorded) -> None:
    forged = {"status": "waiting", "syncMode": "ASYNC", "taskToken": "t", "createdBy": "root", "csk": "A@9"}
    response = await recorded.ask("POST", "/api/testing/sync-full", todo(**forged))
    assert response.status_code == 201
    [row] = recorded.rows()["local-demo-todo-command"]
    assert (row["createdBy"], row["status"]) == ({"S": "user-1"}, {"S": "finish:FINISHED"})
    assert row["syncMode"] == {"S": "SYNC"}
    assert not {"taskToken", "csk"} & row.keys()
