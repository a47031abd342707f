"""Whatever an administrator of one tenant asks of the modules' routes, no other tenant's row is concerned."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

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
                return self._random.choice((0, 1, 2))
            case "boolean":
                return self._random.random() < 0.5
            case "null":
                return None
            case _:
                return self.text(name)


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
