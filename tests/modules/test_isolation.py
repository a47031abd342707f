"""Whatever an administrator of one tenant asks of the modules' routes, no other tenant's row is concerned."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from cqrs_nest.read_models import SqlModule
from cqrs_nest_master import MasterModule
from cqrs_nest_master.read_model import metadata
from cqrs_nest_sequence import SequencesModule
from cqrs_nest_task import TaskModule
from cqrs_nest_tenant import TenantModule
from tests.modules.conftest import RunningApplication, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "canary7b20"
REQUESTS = 120
TABLES = ("tenant-command", "tenant-data", "master-command", "master-data", "sequences", "tasks")
TEXTS = {
    "pk": (
        "MASTER#acme",
        "TENANT#acme",
        "SEQ#acme",
        "TASK#acme",
        "MASTER#ACME",
        "MASTER#umbrella#acme",
        "MASTER#acme#umbrella",
    ),
    "sk": ("MASTER_SETTING#COLOUR", "COLOUR#RED", "MASTER", "COLOUR"),
    "tenantCode": ("acme", "ACME", "umbrella", "common", "acme#umbrella"),
    "targetTenants": ("acme", "umbrella"),
    "code": ("COLOUR", "RED", "acme", "single"),
    "settingCode": ("COLOUR",),
    "masterSettingSk": ("COLOUR",),
    "id": ("MASTER#acme#MASTER_SETTING#COLOUR",),
    "": ("COLOUR", "RED", "acme", "x", "20260101", "none"),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shop() -> AsyncIterator[RunningApplication]:
    modules = (
        SqlModule.register(metadata, create_tables=True),
        TaskModule.register(enable_controller=True),
        TenantModule.register(enable_controller=True),
        MasterModule.register(enable_controller=True),
        SequencesModule.register(enable_controller=True),
    )
    async with running(*modules) as application:
        yield application


class Requests:
    """Makes requests of what the API's document says, with keys and tenants that are not the caller's."""

    def __init__(self, document: Mapping[str, Any], seed: int) -> None:
        self._schemas = document["components"]["schemas"]
        self._routes = [
            (method.upper(), path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
        self._random = random.Random(seed)

    def __iter__(self) -> Any:
        for method, path, operation in self._random.choices(self._routes, k=REQUESTS):
            target = re.sub(r"\{(\w+)\}", lambda found: quote(self.text(found[1]), safe=""), path)
            asked = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
            query = {name: self.text(name) for name in asked if self._random.random() < 0.4}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            yield method, target, query, None if content is None else self.value(content["schema"], "")

    def text(self, name: str) -> str:
        known = next((key for key in TEXTS if key and key.lower() == name.lower()), "")
        return self._random.choice(TEXTS[known])

    def value(self, schema: Mapping[str, Any], name: str) -> Any:
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].rpartition("/")[2]], name)
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if variants := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            return self.value(self._random.choice(variants), name)
        match schema.get("type"):
            case "object":
                required = schema.get("required", ())
                return {
                    key: self.value(each, key)
                    for key, each in schema.get("properties", {}).items()
                    if key in required or self._random.random() < 0.5
                }
            case "array":
                return [self.value(schema.get("items", {}), name) for _ in range(self._random.randint(1, 2))]
            case "integer" | "number":
                return self._random.choice((1, 0, 2))
            case "boolean":
                return self._random.random() < 0.5
            case "null":
                return None
            case _:
                return self.text(name)


class First(random.Random):
    """Chance that always takes the first."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def random(self) -> float:
        return 0.0

    def randint(self, a: int, b: int) -> int:
        return a


class FittingRequests(Requests):
    """One request for each route: what fits, about the tenant acme wherever a tenant can be named."""

    TEXTS: ClassVar[Mapping[str, str]] = {"date": "2026-01-01", "registerDate": "2026-01-01", "type": "TASK"}

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document, seed=0)
        self._random = First()

    def __iter__(self) -> Iterator[tuple[str, str, str, Mapping[str, str], Any]]:
        for method, path, operation in self._routes:
            target = re.sub(r"\{(\w+)\}", lambda found: quote(self.text(found[1]), safe=""), path)
            asked = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
            query = {name: self.text(name) for name in asked if name in ("tenantCode", "settingCode", "type")}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = None if content is None else self.value(content["schema"], "")
            yield f"{method} {path}", method, target, query, body

    def text(self, name: str) -> str:
        return self.TEXTS.get(name) or super().text(name)


READING_POSTS = {
    "POST /api/master-setting/check-exist/{code}",
    "POST /api/master-data/check-exist/{settingCode}/{code}",
}
NAMING_NO_TENANT = READING_POSTS | {
    "GET /api/master-setting/list",
    "GET /api/master-setting/{code}",
    "GET /api/master-data/list",
    "GET /api/tasks/sfn-task-parent",
}
"""Routes that are about the caller's own tenant, whoever he is."""


async def test_every_route_refuses_whom_it_is_not_for(shop: RunningApplication) -> None:
    before = {table: shop.rows(table) for table in TABLES}
    requests = list(FittingRequests(shop.runtime.app.http.openapi()))
    assert len(requests) > 40
    assert {route for route, *_ in requests} >= NAMING_NO_TENANT
    for route, method, path, query, body in requests:

        async def ask(**who: Any) -> httpx.Response:
            return await shop.ask(method, path, body, params=query, **who)  # noqa: B023 asked at once

        assert (await ask(user=None)).status_code == 401, route
        if method != "GET" and route not in READING_POSTS:
            for roles in ((), ("clerk",)):
                assert (await ask(roles=roles)).status_code == 403, route
        if route not in NAMING_NO_TENANT:
            # Neither a role that holds there only, nor one that crosses no tenants.
            for who in ({"only_there": True}, {"roles": ("clerk",)}):
                answer = await ask(user="eve", tenant="umbrella", **who)
                as_recorded = answer.status_code == 400 and "Invalid tenant code" in answer.text
                assert answer.status_code == 403 or as_recorded, (route, answer.status_code, answer.text)
    await shop.drain()
    assert {table: shop.rows(table) for table in TABLES} == before


async def plant(shop: RunningApplication) -> None:
    """Rows of the tenant acme in the tables of every module."""
    setting = {"name": SECRET, "code": "COLOUR", "settingValue": {"keys": SECRET}}
    attributes = {"x": SECRET}
    data = {"tenantCode": "acme", "settingCode": "COLOUR", "code": "RED", "name": SECRET}
    for path, body in (
        ("/api/tenant", {"code": "acme", "name": SECRET, "attributes": attributes}),
        ("/api/master-setting", setting),
        ("/api/master-data", {**data, "attributes": attributes}),
        ("/", {"tenantCode": "acme", "typeCode": "COLOUR", "prefix": SECRET}),
    ):
        answer = await shop.ask("POST", path, body)
        assert answer.status_code == 201, (path, answer.text)
    await shop.drain()


def of_acme(shop: RunningApplication) -> dict[str, list[Any]]:
    return {
        table: [row for row in shop.rows(table) if row["pk"]["S"].lower().partition("#")[2] == "acme"]
        for table in TABLES
    }


@pytest.mark.parametrize("seed", [1])
async def test_no_row_of_another_tenant_is_seen_or_changed(shop: RunningApplication, seed: int) -> None:
    await plant(shop)
    before = of_acme(shop)
    assert SECRET in str(before)
    document = shop.runtime.app.http.openapi()
    statuses: dict[int, int] = {}
    for method, path, query, body in Requests(document, seed):
        answer = await shop.ask(
            method, path, body, user="eve", tenant="umbrella", only_there=True, params=query
        )
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (method, path, query, body, answer.text)
        assert SECRET not in answer.text, (method, path, query, body)
    await shop.drain()
    assert of_acme(shop) == before
    # Or else nothing has been asked at all.
    assert {200, 201, 403} <= statuses.keys(), statuses
