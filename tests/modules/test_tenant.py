"""Tenants: their rows, groups and routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import httpx
import pytest
import pytest_asyncio
import time_machine

from cqrs_nest.commands import CommandInput, CommandModel, CommandService, DataService, DetailKey
from cqrs_nest.common import BadRequestException
from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.testing import Test
from cqrs_nest_tenant import (
    CommonTenantCreateDto,
    TenantCreateDto,
    TenantGroupAddDto,
    TenantModule,
    TenantService,
)
from tests.modules.conftest import Everybody, RunningApplication, invoke_of, path_of, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = 1767323045.678
"""2026-01-02T12:04:05+09:00"""
ACME = TenantCreateDto(code="acme", name="Acme", attributes={"plan": {"seats": 5}})


class TenantNames:
    """A projection, as an application adds one."""

    seen: ClassVar[list[str]] = []

    async def up(self, command: CommandModel) -> None:
        self.seen.append(command.name)

    async def down(self, command: CommandModel) -> None: ...


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def application() -> AsyncIterator[RunningApplication]:
    module = TenantModule.register(enable_controller=True, data_sync_handlers=[TenantNames])
    async with running(module) as application:
        yield application


@pytest_asyncio.fixture(loop_scope="module")
async def shop(application: RunningApplication) -> RunningApplication:
    await application.clear()
    TenantNames.seen.clear()
    return application


def tenants_of(shop: RunningApplication) -> TenantService:
    return shop.runtime.app.get(TenantService)


def audit(version: int) -> dict[str, Any]:
    moment, user = {"S": "2026-01-02T12:04:05+09:00"}, {"S": "ann"}
    address = {"S": "10.0.0.9"}
    return {
        "version": {"N": str(version)},
        "requestId": {"S": "request-1"},
        "createdAt": moment,
        "createdBy": user,
        "createdIp": address,
        "updatedAt": moment,
        "updatedBy": user,
        "updatedIp": address,
        "ttl": {"NULL": True},
    }


async def test_the_rows_are_the_recorded_ones(shop: RunningApplication, tokyo: None) -> None:
    tenants, invoke = tenants_of(shop), invoke_of("acme")
    with time_machine.travel(NOON, tick=False):
        await tenants.create_tenant(ACME, invoke_context=invoke)
        group = TenantCreateDto(code="acme", name="Acme in the north")
        await tenants.create_tenant_group("north", group, invoke_context=invoke, allow_cross_tenant=True)
        common = CommonTenantCreateDto(name="For all")
        await tenants.create_common_tenant(common, invoke_context=invoke, allow_cross_tenant=True)
        await shop.drain()
    assert shop.rows("tenant-data") == [
        {
            "pk": {"S": "TENANT#acme"},
            "sk": {"S": "MASTER"},
            "id": {"S": "TENANT#acme#MASTER"},
            "code": {"S": "MASTER"},
            "name": {"S": "Acme"},
            "tenantCode": {"S": "acme"},
            "type": {"S": "acme"},
            "isDeleted": {"BOOL": False},
            "attributes": {"M": {"plan": {"M": {"seats": {"N": "5"}}}}},
            "cpk": {"S": "TENANT#acme"},
            "csk": {"S": "MASTER@1"},
            **audit(1),
        },
        {
            "pk": {"S": "TENANT#common"},
            "sk": {"S": "MASTER"},
            "id": {"S": "TENANT#common#MASTER"},
            "code": {"S": "MASTER"},
            "name": {"S": "For all"},
            "tenantCode": {"S": "common"},
            "type": {"S": "common"},
            "cpk": {"S": "TENANT#common"},
            "csk": {"S": "MASTER@1"},
            **audit(1),
        },
        {
            "pk": {"S": "TENANT#north"},
            "sk": {"S": "acme"},
            "id": {"S": "TENANT#north#acme"},
            "code": {"S": "acme"},
            "name": {"S": "Acme in the north"},
            "tenantCode": {"S": "north"},
            "type": {"S": "TENANT"},
            "isDeleted": {"BOOL": False},
            "cpk": {"S": "TENANT#north"},
            "csk": {"S": "acme@1"},
            **audit(1),
        },
    ]
    assert sorted(TenantNames.seen) == ["Acme", "Acme in the north", "For all"]


async def test_what_is_there_is_not_created_twice_before_or_after_it_is_applied(
    shop: RunningApplication,
) -> None:
    tenants = tenants_of(shop)
    for _ in range(2):
        await tenants.create_tenant(ACME)
        with pytest.raises(BadRequestException, match="Tenant already exists: acme"):
            await tenants.create_tenant(ACME)
        await shop.drain()
        with pytest.raises(BadRequestException, match="Tenant already exists: acme"):
            await tenants.create_tenant(ACME)
        # A deleted tenant can be created anew.
        await tenants.delete_tenant(DetailKey("TENANT#acme", "MASTER"))
    common = CommonTenantCreateDto(name="For all")
    await tenants.create_common_tenant(common)
    with pytest.raises(BadRequestException, match="Tenant already exists: common"):
        await tenants.create_common_tenant(common)
    group = TenantCreateDto(code="acme", name="Acme")
    await tenants.create_tenant_group("north", group)
    with pytest.raises(BadRequestException, match="Tenant already exists: TENANT - sk: acme"):
        await tenants.create_tenant_group("north", group)


async def test_the_way_of_a_tenant_over_http(shop: RunningApplication) -> None:
    path = f"/api/tenant{path_of('TENANT#umbrella', 'MASTER')}"
    created = await shop.ask(
        "POST", "/api/tenant", {"code": "umbrella", "name": "U", "attributes": {"a": {"x": 1}, "b": 1}}
    )
    assert (created.status_code, created.json()["sk"]) == (201, "MASTER@1")
    updated = await shop.ask("PATCH", path, {"name": "Umbrella", "attributes": {"a": {"y": 2}}})
    assert (updated.status_code, updated.json()["attributes"]) == (200, {"a": {"x": 1, "y": 2}, "b": 1})
    unchanged = await shop.ask("PATCH", path, {"name": "Umbrella"})
    assert (unchanged.status_code, unchanged.text) == (200, "")
    only_attributes = await shop.ask("PATCH", path, {"attributes": {"b": 2}})
    assert only_attributes.json()["name"] == "Umbrella"
    await shop.drain()
    read = await shop.ask("GET", path)
    assert (read.status_code, read.json()["version"], read.json()["name"]) == (200, 3, "Umbrella")
    deleted = await shop.ask("DELETE", path)
    assert (deleted.status_code, deleted.json()["isDeleted"]) == (200, True)
    for method, word in (("PATCH", "update"), ("DELETE", "delete")):
        again = await shop.ask(method, path, {"name": "V"} if method == "PATCH" else None)
        text = f'Tenant not found for {word}: {{"pk":"TENANT#umbrella","sk":"MASTER"}}'
        assert (again.status_code, again.json()["message"]) == (400, text)
    missing = await shop.ask("GET", f"/api/tenant{path_of('TENANT#acme', 'MASTER')}")
    assert (missing.status_code, missing.text) == (200, "")
    common = await shop.ask("POST", "/api/tenant/common", {"name": "For all"})
    assert (common.status_code, common.json()["tenantCode"]) == (201, "common")


async def test_groups_of_roles(shop: RunningApplication) -> None:
    await tenants_of(shop).create_tenant(ACME)
    for group in ("shop", "shop#north", "Shop", "shop#north#1", "shop"):
        added = await shop.ask(
            "POST", "/api/tenant/group", {"tenantCode": "acme", "groupId": group, "role": "clerk"}
        )
        assert added.status_code == 201
    other = {"tenantCode": "acme", "groupId": "x", "role": "boss"}
    boss = {"tenantRole": "boss", "groups": ["x"], "setting_groups": ["x"], "setting_groups_mode": "auto"}
    setting = (await shop.ask("POST", "/api/tenant/group", other)).json()["attributes"]["setting"]
    assert setting == [
        {
            "tenantRole": "clerk",
            "groups": ["shop", "shop#north", "Shop", "shop#north#1"],
            "setting_groups": ["shop#north#1", "shop#north", "shop", "Shop"],
            "setting_groups_mode": "auto",
        },
        boss,
    ]
    custom = {"tenantCode": "acme", "settingGroups": ["shop", "shop#north"], "role": "clerk"}
    assert (await shop.ask("PATCH", "/api/tenant/group", custom)).status_code == 200
    last = {"tenantCode": "acme", "groupId": "shop#a#b", "role": "clerk"}
    newest = (await shop.ask("POST", "/api/tenant/group", last)).json()
    groups = ["shop", "shop#north", "shop#a#b"]
    assert newest["attributes"] == {
        "plan": {"seats": 5},
        "setting": [
            {
                "tenantRole": "clerk",
                "groups": groups,
                "setting_groups": groups,
                "setting_groups_mode": "customized",
            },
            boss,
        ],
    }


async def test_a_group_is_added_to_what_others_have_written(shop: RunningApplication) -> None:
    setting = [{"tenantRole": "clerk", "setting_groups": ["b"]}]
    acme = TenantCreateDto(code="acme", name="Acme", attributes={"setting": setting})
    await tenants_of(shop).create_tenant(acme)
    dto = TenantGroupAddDto(tenant_code="acme", group_id="a#1", role="clerk")
    added = await tenants_of(shop).add_tenant_group(dto)
    assert added is not None
    [entry] = added.attributes["setting"]
    assert (entry["groups"], entry["setting_groups"]) == (["b", "a#1"], ["a#1", "b"])
    long = {"tenantCode": "acme", "groupId": "x" * 201, "role": "clerk"}
    assert (await shop.ask("POST", "/api/tenant/group", long)).status_code == 400


async def test_groups_that_are_added_at_the_same_time_are_all_there(shop: RunningApplication) -> None:
    await tenants_of(shop).create_tenant(ACME)
    groups = [f"g{number}" for number in range(3)]
    await asyncio.gather(
        *(
            tenants_of(shop).add_tenant_group(
                TenantGroupAddDto(tenant_code="acme", group_id=group, role="clerk")
            )
            for group in groups
        )
    )
    await shop.drain()
    tenant = await tenants_of(shop).get_tenant(pk="TENANT#acme", sk="MASTER")
    assert tenant is not None
    [entry] = tenant.attributes["setting"]
    assert sorted(entry["groups"]) == groups


async def test_what_groups_are_refused_with(shop: RunningApplication) -> None:
    add = {"tenantCode": "acme", "groupId": "x", "role": "clerk"}
    missing = await shop.ask("POST", "/api/tenant/group", add)
    assert (missing.status_code, missing.json()["message"]) == (400, "Tenant not found")
    custom = {"tenantCode": "acme", "settingGroups": ["x"], "role": "clerk"}
    unknown = await shop.ask("PATCH", "/api/tenant/group", custom)
    assert (unknown.status_code, unknown.json()["message"]) == (400, 'Tenant not found for key: "acme"')
    await tenants_of(shop).create_tenant(ACME)
    without = await shop.ask("PATCH", "/api/tenant/group", custom)
    assert (without.status_code, "clerk has no groups" in without.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"name": "A"}, "code must be a string"),
        ({"code": "a#b", "name": "A"}, "code must match"),
        ({"code": "a", "name": 1}, "name must be a string"),
        ({"code": "a", "name": "A", "attributes": []}, "attributes must be an object"),
    ],
)
async def test_bad_input_answers_400(shop: RunningApplication, body: Any, text: str) -> None:
    answer = await shop.ask("POST", "/api/tenant", body)
    assert answer.status_code == 400
    assert text in str(answer.json()["message"])
    for key in (("TENANT#acme", "a@b@c"), ("x" * 3000, "MASTER")):
        path = f"/api/tenant{path_of(*key)}"
        assert (await shop.ask("PATCH", path, {"name": "A"})).status_code == 400


async def test_whom_other_guards_let_pass_is_kept_to_his_tenant() -> None:
    commands = FakeCommands()
    module = TenantModule.register(enable_controller=True, guards=[Everybody], path="tenants")
    building = Test.create_testing_module(imports=[module])
    for service in (CommandService, DataService):
        building.override_provider(service).use_value(commands)
    async with await building.compile() as compiled:
        http = httpx.ASGITransport(await compiled.create_application())
        await compiled.initialize()
        token = sign_development_token(compiled.get(Environment), user="ann", tenant="acme", roles=["clerk"])
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=http, base_url="http://shop", headers=headers) as client:
            answer = await client.post("/tenants", json={"code": "acme", "name": "Acme"})
    assert answer.status_code == 201
    [(command, options)] = commands.published
    assert (command.pk, command.version, options["allow_cross_tenant"]) == ("TENANT#acme", 0, False)


class FakeCommands:
    """Stands for CommandService and DataService: nothing is there, and what is published is kept."""

    def __init__(self) -> None:
        self.published: list[tuple[CommandInput, dict[str, Any]]] = []

    async def get_latest_item(self, **_: Any) -> None:
        return None

    async def publish_async(self, command: CommandInput, **options: Any) -> None:
        self.published.append((command, options))
