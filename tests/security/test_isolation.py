"""Whatever users of several tenants ask, no answer holds a row of another, and no row changes hands."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.conftest import Service

TENANTS = ("acme", "Initech", "umbrella")
ROUTES = ("create", "list", "search", "get", "history", "update", "complete", "delete")


@dataclass(frozen=True)
class World:
    """Todos of several tenants; the names of a tenant's todos hold its secret."""

    service: Service
    tokens: dict[str, str]
    secrets: dict[str, str]
    keys: tuple[tuple[str, str], ...]
    """Tenant and sort key of each todo."""

    def ask(self, tenant: str, method: str, path: str, **options: Any) -> Any:
        response = self.service.ask(method, path, token=self.tokens[tenant], **options)
        assert response.status_code < 500, response.text
        for other, secret in self.secrets.items():
            assert other == tenant or secret not in response.text, f"{tenant} sees a row of {other}: {path}"
        return response


@pytest.fixture(scope="session")
def world(service: Service, as_tenant: Callable[[str], str]) -> World:
    tokens = {tenant: as_tenant(tenant) for tenant in TENANTS}
    secrets = {tenant: uuid.uuid4().hex for tenant in TENANTS}
    keys = []
    for tenant in TENANTS:
        for _ in range(2):
            body = {
                "name": f"todo {secrets[tenant]}",
                "tags": [secrets[tenant]],
                "description": secrets[tenant],
            }
            response = service.ask("POST", "/api/todo", token=tokens[tenant], json=body)
            keys.append((tenant, response.json()["code"]))
    service.rows()  # waits until everything is on the read side
    return World(service, tokens, secrets, tuple(keys))


@dataclass(frozen=True)
class Wish:
    """One request of somebody, for one of the todos of anybody."""

    tenant: str
    route: str
    target: int
    spelling: Callable[[str], str]
    header: str | None
    version: int
    query: dict[str, str]
    body: dict[str, str]


def spelled(*changes: Callable[[str], str]) -> st.SearchStrategy[Callable[[str], str]]:
    return st.sampled_from(changes)


NAMES = st.sampled_from(
    ["pk", "sk", "id", "tenantCode", "tenant", "startFromSk", "tag", "order", "attributes"]
)
VALUES = st.sampled_from(
    [
        "TODO#acme",
        "TODO#initech",
        "TODO#umbrella",
        "acme",
        "umbrella",
        "desc",
        "0",
        "*",
        "",
        "s3://local-bucket/ddb/x",
    ]
)
WISHES = st.builds(
    Wish,
    tenant=st.sampled_from(TENANTS),
    route=st.sampled_from(ROUTES),
    target=st.integers(0, 2 * len(TENANTS) - 1),
    spelling=spelled(str, str.upper, str.lower, str.title, lambda pk: pk + "#", lambda pk: f"{pk}#{pk}"),
    header=st.none() | st.sampled_from([*TENANTS, "common", "COMMON", ""]),
    version=st.integers(1, 3),
    query=st.dictionaries(NAMES, VALUES, max_size=2),
    body=st.dictionaries(NAMES, VALUES, max_size=2),
)


def perform(world: World, wish: Wish) -> Any:
    owner, sk = world.keys[wish.target]
    path = f"/api/todo/{quote(wish.spelling('TODO#' + owner.lower()), safe='')}/{sk}"
    named = {**wish.body, "name": f"changed {world.secrets[wish.tenant]}", "version": wish.version}
    method, target, body = {
        "create": ("POST", "/api/todo", named),
        "list": ("GET", "/api/todo", None),
        "search": ("GET", "/api/todo/search", None),
        "get": ("GET", path, None),
        "history": ("GET", f"{path}/history", None),
        "update": ("PATCH", path, named),
        "complete": ("POST", f"{path}/complete", named),
        "delete": ("DELETE", path, None),
    }[wish.route]
    params: dict[str, Any] = wish.query
    if wish.route == "delete":
        params = {**params, "version": str(wish.version)}
    headers = {} if wish.header is None else {"x-tenant-code": wish.header}
    return world.ask(wish.tenant, method, target, params=params, json=body, headers=headers)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=st.lists(WISHES, min_size=1, max_size=5))
def test_no_answer_holds_a_row_of_another_tenant(world: World, wishes: list[Wish]) -> None:
    for wish in wishes:
        owner, _ = world.keys[wish.target]
        response = perform(world, wish)
        if wish.route in ("get", "history", "update", "complete", "delete") and owner != wish.tenant:
            assert response.status_code in (400, 403), wish


def test_no_row_has_changed_hands(world: World) -> None:
    """After whatever the test before has asked for."""
    rows = world.service.rows()
    secrets = {f"TODO#{tenant.lower()}": secret for tenant, secret in world.secrets.items()}
    for table in ("command", "data", "history"):
        for row in rows[table]:
            text = str(row)
            for pk, secret in secrets.items():
                assert (secret in text) <= (row["pk"]["S"] == pk), row
    for row in rows["sql"]:
        for pk, secret in secrets.items():
            assert (secret in str(row)) <= (row["pk"] == pk), row


def test_everybody_sees_his_own(world: World) -> None:
    """Or else the answers above might simply be empty."""
    for tenant in TENANTS:
        body = {"name": f"own {world.secrets[tenant]}"}
        created = world.ask(tenant, "POST", "/api/todo", json=body).json()
        world.service.rows()
        for path in ("/api/todo?pageSize=100", "/api/todo/search?pageSize=100"):
            found = world.ask(tenant, "GET", path).json()["items"]
            assert created["code"] in [item["sk"] for item in found]
            assert {item["pk"] for item in found} == {f"TODO#{tenant.lower()}"}
