"""Settings and master data: rows, what holds for whom, bulk, search, and their routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
import time_machine

from cqrs_nest.aws.dynamodb import TableType
from cqrs_nest.commands import (
    CommandInput,
    CommandModel,
    CommandService,
    CommandTableRegistry,
    DataService,
    TtlService,
)
from cqrs_nest.common import BadRequestException, ConflictException, DynamicModule
from cqrs_nest.config import Environment
from cqrs_nest.core import InvalidModuleError
from cqrs_nest.read_models import SqlDatabase, SqlModule
from cqrs_nest.testing import Test
from cqrs_nest_master import (
    CommonSettingDto,
    CreateMasterDataDto,
    GetSettingDto,
    GroupSettingDto,
    MasterDataCreateBulkDto,
    MasterDataCreateDto,
    MasterDataService,
    MasterModule,
    MasterSettingService,
    TenantSettingDto,
    TtlConfigurations,
    UserSettingDto,
)
from cqrs_nest_master.read_model import metadata
from cqrs_nest_task import TaskModule, TaskOptions
from cqrs_nest_tenant import TenantCreateDto, TenantGroupAddDto, TenantModule, TenantService
from tests.modules.conftest import RunningApplication, invoke_of, path_of, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = 1767323045.678
"""2026-01-02T12:04:05+09:00"""
SETTING, DATA, BULK = "/api/master-setting", "/api/master-data", "/api/master-bulk"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def application() -> AsyncIterator[RunningApplication]:
    modules = [
        SqlModule.register(metadata, create_tables=True),
        TenantModule.register(),
        TaskModule.register(TaskOptions(fan_out="queue")),
        MasterModule.register(enable_controller=True),
    ]
    async with running(*modules) as application:
        yield application


@pytest_asyncio.fixture(loop_scope="module")
async def shop(application: RunningApplication) -> RunningApplication:
    await application.clear()
    async with application.runtime.app.get(SqlDatabase).begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())
    return application


def settings_of(shop: RunningApplication) -> MasterSettingService:
    return shop.runtime.app.get(MasterSettingService)


def data_of(shop: RunningApplication) -> MasterDataService:
    return shop.runtime.app.get(MasterDataService)


def entry(code: str = "red", **fields: Any) -> CreateMasterDataDto:
    known = {"tenantCode": "acme", "settingCode": "COLOUR", "name": code.title(), "attributes": {}}
    return CreateMasterDataDto.model_validate({**known, "code": code, **fields})


async def test_the_rows_are_the_recorded_ones(shop: RunningApplication, tokyo: None) -> None:
    invoke = invoke_of("acme")
    with time_machine.travel(NOON, tick=False):
        await settings_of(shop).create_group_setting(
            GroupSettingDto(
                tenant_code="acme", group_id="north", code="theme", name="T", setting_value={"dark": True}
            ),
            invoke_context=invoke,
        )
        await data_of(shop).create(entry(seq=3, attributes={"hex": "f00"}), invoke_context=invoke)
        await shop.drain()
    moment, user, address = {"S": "2026-01-02T12:04:05+09:00"}, {"S": "ann"}, {"S": "10.0.0.9"}
    same = {
        "pk": {"S": "MASTER#acme"},
        "tenantCode": {"S": "acme"},
        "type": {"S": "MASTER"},
        "isDeleted": {"BOOL": False},
        "version": {"N": "1"},
        "ttl": {"NULL": True},
        "requestId": {"S": "request-1"},
        "createdAt": moment,
        "createdBy": user,
        "createdIp": address,
        "updatedAt": moment,
        "updatedBy": user,
        "updatedIp": address,
    }
    colour = {
        **same,
        "id": {"S": "MASTER#acme#COLOUR#red"},
        "code": {"S": "red"},
        "name": {"S": "Red"},
        "seq": {"N": "3"},
        "attributes": {"M": {"hex": {"S": "f00"}}},
    }
    assert shop.rows("master-data") == [
        {**colour, "sk": {"S": "COLOUR#red"}, "cpk": {"S": "MASTER#acme"}, "csk": {"S": "COLOUR#red@1"}},
        {
            **same,
            "sk": {"S": "MASTER_SETTING#GROUP#north#theme"},
            "id": {"S": "MASTER#acme#MASTER_SETTING#GROUP#north#theme"},
            "code": {"S": "theme"},
            "name": {"S": "T"},
            "attributes": {"M": {"dark": {"BOOL": True}}},
            "cpk": {"S": "MASTER#acme"},
            "csk": {"S": "MASTER_SETTING#GROUP#north#theme@1"},
        },
    ]
    assert shop.row("master-command", "MASTER#acme", "COLOUR#red@1") == {
        **colour,
        "sk": {"S": "COLOUR#red@1"},
        "settingCode": {"S": "COLOUR"},
        "status": {"S": "finish:FINISHED"},
    }
    async with shop.runtime.app.get(SqlDatabase).connect() as connection:
        rows = (await connection.execute(metadata.tables["masters"].select())).mappings().all()
    told = [(row["master_type"], row["master_type_code"], row["master_code"], row["code"]) for row in rows]
    assert sorted(told) == [
        ("MASTER_DATA", "COLOUR", "red", "COLOUR#red"),
        ("MASTER_SETTING", "MASTER_SETTING", "GROUP", "MASTER_SETTING#GROUP#north#theme"),
    ]


async def test_what_holds_for_a_user_is_the_nearest_setting(shop: RunningApplication) -> None:
    settings, tenants = settings_of(shop), shop.runtime.app.get(TenantService)
    await tenants.create_tenant(TenantCreateDto(code="acme", name="Acme"))
    for group in ("shop", "shop#north"):
        await tenants.add_tenant_group(TenantGroupAddDto(tenant_code="acme", group_id=group, role="clerk"))
    clerk = invoke_of("acme", "ann", roles=["clerk"])

    async def holds() -> Any:
        await shop.drain()
        found = await settings.get_setting(GetSettingDto(code="theme"), invoke_context=clerk)
        return found.setting_value["of"], found.id

    def value(of: str) -> dict[str, Any]:
        return {"tenant_code": "acme", "code": "theme", "name": "Theme", "setting_value": {"of": of}}

    with pytest.raises(BadRequestException, match="Setting not found with code: theme"):
        await holds()
    await settings.create_common_tenant_setting(CommonSettingDto(**value("all")))
    assert await holds() == ("all", "MASTER#common#MASTER_SETTING#theme")
    await settings.create_tenant_setting(TenantSettingDto(**value("tenant")))
    assert await holds() == ("tenant", "MASTER#acme#MASTER_SETTING#theme")
    await settings.create_group_setting(GroupSettingDto(**value("shop"), group_id="shop"))
    assert await holds() == ("shop", "MASTER#acme#MASTER_SETTING#GROUP#shop#theme")
    north = await settings.create_group_setting(GroupSettingDto(**value("north"), group_id="shop#north"))
    assert (await holds())[0] == "north"
    await settings.create_user_setting(UserSettingDto(**value("ann")), invoke_context=clerk)
    assert await holds() == ("ann", "MASTER#acme#MASTER_SETTING#USER#ann#theme")
    other = invoke_of("acme", "bob", roles=["clerk"])
    assert (await settings.get_setting(GetSettingDto(code="theme"), invoke_context=other)).id == north.id
    # A deleted setting does not count.
    answer = await shop.ask("DELETE", f"{SETTING}/{path_of('MASTER#acme#MASTER_SETTING#USER#ann#theme')[1:]}")
    assert answer.status_code == 200
    assert (await holds())[0] == "north"


async def test_the_way_of_a_setting_over_http(shop: RunningApplication) -> None:
    body = {"code": "theme", "name": "Theme", "settingValue": {"dark": True, "size": {"x": 1}}}
    created = await shop.ask("POST", SETTING, body)
    assert (created.status_code, created.json()["id"]) == (201, "MASTER#acme#MASTER_SETTING#theme")
    again = await shop.ask("POST", f"{SETTING}/tenant", {**body, "tenantCode": "acme"})
    assert (again.status_code, again.json()["message"]) == (400, "Setting already exists: theme")
    key = path_of("MASTER#acme", "MASTER_SETTING#theme")
    patched = await shop.ask("PATCH", f"{SETTING}{key}", {"settingValue": {"size": {"y": 2}}})
    assert patched.json()["attributes"] == {"dark": True, "size": {"x": 1, "y": 2}}
    id = path_of("MASTER#acme#MASTER_SETTING#theme")
    renamed = await shop.ask("PUT", f"{SETTING}{id}", {"name": "Look"})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["version"]) == (200, "Look", 3)
    await shop.drain()
    assert (await shop.ask("GET", f"{SETTING}/theme", roles=())).json() == {
        "id": "MASTER#acme#MASTER_SETTING#theme",
        "settingValue": {"dark": True, "size": {"x": 1, "y": 2}},
    }
    assert (await shop.ask("GET", f"{SETTING}/detail{id}")).json()["name"] == "Look"
    exists = await shop.ask("POST", f"{SETTING}/check-exist/theme", roles=())
    assert (exists.status_code, exists.json()) == (201, True)
    assert (await shop.ask("DELETE", f"{SETTING}{key}")).json()["isDeleted"] is True
    await shop.drain()
    assert (await shop.ask("POST", f"{SETTING}/check-exist/theme")).json() is False
    # Created anew, it builds on the deleted one.
    assert (await shop.ask("POST", SETTING, body)).json()["version"] == 5
    for scope, more in (("group", {"groupId": "g"}), ("user", {"userId": "u"}), ("common", {})):
        sent = {**body, "tenantCode": "acme", **more}
        assert (await shop.ask("POST", f"{SETTING}/{scope}", sent)).status_code == 201


async def test_what_is_missing_is_said_as_recorded(shop: RunningApplication) -> None:
    key, id = path_of("MASTER#acme", "X#y"), path_of("MASTER#acme#X#y")
    for method, path, body, status, text in (
        ("PATCH", f"{SETTING}{key}", {"name": "a"}, 400, "Setting doesn't exist"),
        ("DELETE", f"{SETTING}{key}", None, 400, "Setting doesn't exist"),
        ("PUT", f"{SETTING}{id}", {"name": "a"}, 404, "Master setting not found"),
        ("DELETE", f"{SETTING}{id}", None, 404, "Master setting not found"),
        ("GET", f"{SETTING}/detail{id}", None, 404, "Master setting not found"),
        ("GET", f"{SETTING}/none", None, 400, "Setting not found with code: none"),
        ("PUT", f"{DATA}{key}", {"name": "a"}, 404, "Master data not found"),
        ("PUT", f"{DATA}{id}", {"name": "a"}, 404, "Master data not found"),
        ("DELETE", f"{DATA}{key}", None, 404, "Master data not found"),
        ("GET", f"{DATA}/detail{id}", None, 404, "Master data not found"),
    ):
        answer = await shop.ask(method, path, body)
        assert (answer.status_code, answer.json()["message"]) == (status, text), path
    nothing = await shop.ask("GET", f"{DATA}{key}")
    assert (nothing.status_code, nothing.text) == (200, "")


BAD_ID = 'Invalid ID format. Expected ID to contain valid PK and SK components separated by "#".'


async def test_bad_ids_answer_400(shop: RunningApplication) -> None:
    for id, text in (
        (" ", "ID must be a non-empty string."),
        ("MASTER#acme", BAD_ID),
        ("MASTER", BAD_ID),
        ("MASTER#umbrella#X#y", "Invalid tenant code"),
    ):
        for base in (SETTING, DATA):
            for method, body in (("PUT", {"name": "a"}), ("DELETE", None)):
                answer = await shop.ask(method, f"{base}{path_of(id)}", body)
                assert (answer.status_code, answer.json()["message"]) == (400, text)


async def test_the_way_of_data_over_http(shop: RunningApplication) -> None:
    first = await shop.ask(
        "POST", f"{DATA}/create", {"settingCode": "COLOUR", "name": "Red", "attributes": {}}
    )
    assert (first.status_code, first.json()["seq"], first.json()["attributes"]) == (201, 1, {"seq": 1})
    assert len(first.json()["code"]) == 26
    body = entry("blue", seq=7).model_dump(by_alias=True)
    assert (await shop.ask("POST", DATA, body)).status_code == 201
    again = await shop.ask("POST", DATA, body)
    assert (again.status_code, again.json()["message"]) == (400, "Master data already exists")
    await shop.drain()
    bulk = {"items": [{"settingCode": "COLOUR", "name": n, "code": n, "attributes": {}} for n in "xyz"]}
    created = await shop.ask("POST", f"{DATA}/bulk", bulk)
    assert [item["seq"] for item in created.json()] == [8, 9, 10]
    key = path_of("MASTER#acme", "COLOUR#blue")
    changed = await shop.ask("PUT", f"{DATA}{key}", {"attributes": {"hex": "00f"}})
    # `seq` stays, though it is not sent.
    assert (changed.json()["seq"], changed.json()["attributes"]) == (7, {"hex": "00f"})
    assert (await shop.ask("DELETE", f"{DATA}{path_of('MASTER#acme#COLOUR#x')}")).json()["isDeleted"] is True
    twice = await shop.ask("DELETE", f"{DATA}{path_of('MASTER#acme', 'COLOUR#x')}")
    assert (twice.status_code, twice.json()["message"]) == (400, "This master data is already deleted")
    await shop.drain()
    page = (await shop.ask("GET", f"{DATA}?settingCode=COLOUR&tenantCode=acme&limit=2", roles=())).json()
    assert (len(page["items"]), page["lastSk"] is None) == (2, False)
    rest = (
        await shop.ask(
            "GET", DATA, params={"settingCode": "COLOUR", "tenantCode": "acme", "startFromSk": page["lastSk"]}
        )
    ).json()
    assert (len(rest["items"]), rest["lastSk"]) == (3, None)
    assert (await shop.ask("GET", f"{DATA}?settingCode=COLOUR", roles=())).json()["items"] == []
    assert (await shop.ask("POST", f"{DATA}/check-exist/COLOUR/blue", roles=())).json() is True
    assert (await shop.ask("POST", f"{DATA}/check-exist/COLOUR/x")).json() is False
    assert (await shop.ask("GET", f"{DATA}/detail{path_of('MASTER#acme#COLOUR#blue')}")).json()["seq"] == 7


async def test_a_bulk_is_created_whole_or_not_at_all(shop: RunningApplication) -> None:
    await data_of(shop).create(entry("blue"))
    for codes in (["red", "blue"], ["red", "red"]):
        items = [MasterDataCreateDto(setting_code="COLOUR", code=c, name=c, attributes={}) for c in codes]
        with pytest.raises(BadRequestException, match="Master data already exists"):
            await data_of(shop).create_bulk(
                MasterDataCreateBulkDto(items=items), invoke_context=invoke_of("acme")
            )
    assert [row["sk"]["S"] for row in shop.rows("master-command")] == ["COLOUR#blue@1"]


async def test_entries_without_a_place_come_last_and_stay_where_they_are(shop: RunningApplication) -> None:
    async def places(method: str, *entries: tuple[str, int | None]) -> list[Any]:
        items = [
            MasterDataCreateDto(setting_code="COLOUR", code=code, name=code, seq=seq, attributes={})
            for code, seq in entries
        ]
        bulk = MasterDataCreateBulkDto(items=items)
        commands = await getattr(data_of(shop), method)(bulk, invoke_context=invoke_of("acme"))
        return [command.seq for command in commands]

    assert await places("create_bulk", ("a", None), ("b", 5), ("c", None)) == [1, 5, 6]
    # Nothing is applied yet, and they keep their places all the same.
    assert await places("upsert_bulk", ("c", None), ("a", 2), ("b", None)) == [6, 2, 5]
    await shop.drain()
    assert await places("upsert_bulk", ("d", None), ("c", None), ("e", None)) == [7, 6, 8]
    single = MasterDataCreateDto(setting_code="COLOUR", code="b", name="B", attributes={})
    kept = await data_of(shop).upsert_setting(single, invoke_context=invoke_of("acme"))
    assert (kept.seq, kept.attributes, kept.name) == (5, {"seq": 5}, "B")
    await shop.drain()


async def test_settings_and_data_in_one_request_come_back_in_order(shop: RunningApplication) -> None:
    items = [
        {"settingCode": "COLOUR", "code": "red", "name": "Red", "attributes": {"hex": "f00"}},
        {"code": "COLOUR", "name": "Colours", "attributes": {"description": "of all"}},
        {"settingCode": "COLOUR", "code": "blue", "name": "Blue", "attributes": {}},
    ]
    first = (await shop.ask("POST", BULK, {"items": items})).json()
    assert [row["id"].removeprefix("MASTER#acme#") for row in first] == [
        "COLOUR#red",
        "MASTER_SETTING#COLOUR",
        "COLOUR#blue",
    ]
    await shop.drain()
    items[2]["name"] = "Deep blue"
    second = (await shop.ask("POST", BULK, {"items": items})).json()
    assert [(row["version"], "requestId" in row) for row in second] == [(1, False), (1, False), (2, True)]
    assert [row.get("seq") for row in second] == [1, None, 2]
    await data_of(shop).delete(first_key := key_of(second[2]))
    assert first_key.sk == "COLOUR#blue"
    third = (await shop.ask("POST", BULK, {"items": items[2:]})).json()
    assert (third[0]["version"], third[0]["isDeleted"]) == (4, False)


def key_of(command: dict[str, Any]) -> Any:
    return CommandModel.from_row({**command, "sk": command["sk"].partition("@")[0]}).key


@pytest.mark.parametrize("path", [f"{SETTING}/bulk", f"{DATA}/bulk", BULK])
async def test_the_limits_of_bulk_requests(shop: RunningApplication, path: str) -> None:
    def items(number: int, **fields: Any) -> dict[str, Any]:
        item = {"settingCode": "C", "name": "n", "attributes": {}, "settingValue": {}, **fields}
        return {"items": [{**item, "code": str(index)} for index in range(number)]}

    assert (await shop.ask("POST", path, items(0))).status_code == 400
    assert (await shop.ask("POST", path, items(101))).status_code == 400
    other = await shop.ask("POST", path, items(2, tenantCode="umbrella"))
    assert (other.status_code, other.json()["message"]) == (400, "Invalid tenant code: umbrella")
    if path != f"{SETTING}/bulk":
        assert (await shop.ask("POST", path, items(1, seq=2**31))).status_code == 400
    assert shop.rows("master-command") == []
    assert len((await shop.ask("POST", path, items(3))).json()) == 3


async def test_search_in_sql(shop: RunningApplication) -> None:
    invoke = invoke_of("acme")
    for code, description in (("COLOUR", "what it looks like"), ("SIZE", "how big"), ("GONE", "")):
        dto = CommonSettingDto(code=code, name=code.title(), setting_value={"description": description})
        await settings_of(shop).create(dto, invoke_context=invoke)
    for setting, code, seq in (
        ("COLOUR", "red", 2),
        ("COLOUR", "blue", 1),
        ("SIZE", "XL", 1),
        ("GONE", "x", 1),
    ):
        await data_of(shop).create(entry(code, settingCode=setting, seq=seq))
    await data_of(shop).create(entry("green", tenantCode="umbrella"))
    await shop.drain()
    await shop.ask("DELETE", f"{SETTING}{path_of('MASTER#acme', 'MASTER_SETTING#GONE')}")
    await shop.ask("DELETE", f"{DATA}{path_of('MASTER#acme', 'SIZE#XL')}")
    await shop.drain()

    async def codes(path: str, **params: Any) -> Sequence[str]:
        found = (await shop.ask("GET", f"{path}/list", roles=(), params=params)).json()
        assert found["total"] >= len(found["items"])
        return [item["code"] for item in found["items"]]

    assert await codes(DATA) == ["COLOUR#blue", "COLOUR#red"]
    assert await codes(DATA, isDeleted="true") == ["SIZE#XL", "COLOUR#blue", "COLOUR#red"]
    assert await codes(DATA, keyword="RED") == ["COLOUR#red"]
    assert await codes(DATA, settingCode="COLOUR", code="LU") == ["COLOUR#blue"]
    assert await codes(DATA, orderBys="-masterCode", pageSize=1, page=2) == ["COLOUR#blue"]
    assert await codes(SETTING, orderBys="name") == ["MASTER_SETTING#COLOUR", "MASTER_SETTING#SIZE"]
    assert await codes(SETTING, keyword="LOOKS") == ["MASTER_SETTING#COLOUR"]
    assert await codes(SETTING, name="siz") == ["MASTER_SETTING#SIZE"]
    unknown = await shop.ask("GET", f"{DATA}/list?orderBys=secret")
    assert unknown.status_code == 400


async def test_settings_and_data_are_copied_to_other_tenants(shop: RunningApplication) -> None:
    invoke = invoke_of("acme")
    colour = CommonSettingDto(code="COLOUR", name="Colours", setting_value={"description": "of all"})
    await settings_of(shop).create(colour, invoke_context=invoke)
    for code in ("red", "blue", "gone"):
        await data_of(shop).create(entry(code, seq=len(code)))
    await shop.drain()
    await shop.ask("DELETE", f"{DATA}{path_of('MASTER#acme', 'COLOUR#gone')}")
    await data_of(shop).create(entry("red", tenantCode="umbrella", attributes={"old": True}))
    await shop.drain()
    id = "MASTER#acme#MASTER_SETTING#COLOUR"
    body = {"masterSettingId": id, "targetTenants": ["umbrella", "hooli"], "copyType": "BOTH"}
    task = await shop.ask("POST", f"{SETTING}/copy", body)
    assert (task.status_code, task.json()["type"], task.json()["pk"]) == (
        201,
        "MASTER_COPY_COLOUR",
        "SFN_TASK#acme",
    )
    await shop.drain()
    copies = {(row["pk"]["S"], row["sk"]["S"]): row for row in shop.rows("master-data")}
    for tenant in ("umbrella", "hooli"):
        found = [sk for pk, sk in copies if pk == f"MASTER#{tenant}"]
        assert found == ["COLOUR#blue", "COLOUR#red", "MASTER_SETTING#COLOUR"]
        red = copies[f"MASTER#{tenant}", "COLOUR#red"]
        assert (red["tenantCode"], red["seq"], red["attributes"]) == ({"S": tenant}, {"N": "3"}, {"M": {}})
    [parent] = (await shop.ask("GET", "/api/tasks/sfn-task-parent?masterSettingCode=COLOUR", roles=())).json()
    assert (parent["status"], parent["attributes"]["subTaskSucceedCount"]) == ("COMPLETED", 2)
    subs = (await shop.ask("GET", f"/api/tasks{path_of(parent['id'])}", roles=())).json()
    assert [sub["attributes"]["result"] for sub in subs] == [
        [[{"message": "Copy successfully", "copied": 3}]]
    ] * 2
    partial = {"mode": "PARTIAL", "id": ["MASTER#acme#COLOUR#blue"]}
    only = {**body, "targetTenants": ["initech"], "copyType": "DATA_ONLY", "dataCopyOption": partial}
    assert (await shop.ask("POST", f"{SETTING}/copy", only)).status_code == 201
    await shop.drain()
    rows = [row["sk"]["S"] for row in shop.rows("master-data") if row["pk"]["S"] == "MASTER#initech"]
    assert rows == ["COLOUR#blue"]
    for change, text in (
        ({"dataCopyOption": {"mode": "PARTIAL"}}, "Must provide ID when mode is PARTIAL."),
        ({"masterSettingId": "MASTER#acme#MASTER_SETTING#NONE"}, "Master setting does not exist"),
        ({"masterSettingId": "MASTER#acme#COLOUR#red"}, "Master setting does not exist"),
    ):
        refused = await shop.ask("POST", f"{SETTING}/copy", {**body, **change})
        assert (refused.status_code, refused.json()["message"]) == (400, text)


async def test_how_long_rows_live_is_what_the_ttl_service_reads(shop: RunningApplication) -> None:
    ttl = shop.runtime.app.get(TtlConfigurations)
    await ttl.set_days("fresh", "tenant", TableType.COMMAND, 30)
    await ttl.set_days("fresh", "tenant", TableType.HISTORY, None)
    await shop.drain()
    row = shop.row("master-data", "MASTER#fresh", "TTL#local-shop-tenant-command")
    assert row is not None
    assert row["attributes"] == {"M": {"days": {"N": "30"}}}
    table = shop.runtime.app.get(CommandTableRegistry).table("tenant")
    assert table is not None
    reader = table.get(TtlService)
    assert await reader.get_ttl_configuration(TableType.COMMAND, "fresh") == 30
    assert await reader.calculate_ttl(TableType.HISTORY, "fresh") is None
    with pytest.raises(ValueError, match="more than 0 days"):
        await ttl.set_days("fresh", "tenant", TableType.DATA, 0)


class FakeCommands:
    """Stands for CommandService and DataService: nothing is there, and what is published is kept."""

    def __init__(self) -> None:
        self.published: list[CommandInput] = []
        self.table_name = "master"

    async def get_latest_item(self, **_: Any) -> None:
        return None

    async def get_item(self, **_: Any) -> None:
        return None

    async def publish_async(self, command: CommandInput, **_: Any) -> CommandModel:
        self.published.append(command)
        return CommandModel.from_row({**command.to_row(), "version": 1})


class OneRefuses(FakeCommands):
    """The first publish fails at once, the others take their time."""

    async def publish_async(self, command: CommandInput, **options: Any) -> CommandModel:
        if command.code == "a":
            raise ConflictException("somebody was faster")
        await asyncio.sleep(0)
        return await super().publish_async(command, **options)


async def test_nothing_of_a_bulk_goes_on_behind_the_answer() -> None:
    commands = OneRefuses()
    items = [MasterDataCreateDto(setting_code="C", code=c, name=c, seq=1, attributes={}) for c in "abc"]
    async with await without_aws(MasterModule.register(sql=False), commands) as module:
        await module.initialize()
        with pytest.raises(ConflictException, match="somebody was faster"):
            await module.get(MasterDataService).create_bulk(
                MasterDataCreateBulkDto(items=items), invoke_context=invoke_of("acme")
            )
        assert [command.code for command in commands.published] == ["b", "c"]


def without_aws(module: DynamicModule, commands: FakeCommands) -> Any:
    building = Test.create_testing_module(imports=[module])
    for service in (CommandService, DataService):
        building.override_provider(service).use_value(commands)
    return building.compile()


async def test_it_runs_without_aws_on_overridden_providers() -> None:
    commands = FakeCommands()
    async with await without_aws(MasterModule.register(sql=False), commands) as module:
        await module.initialize()
        setting = CommonSettingDto(code="theme", name="Theme", setting_value={})
        await module.get(MasterSettingService).create(setting, invoke_context=invoke_of("acme"))
    assert [command.sk for command in commands.published] == ["MASTER_SETTING#theme"]


async def test_without_sql_a_search_answers_501() -> None:
    module = MasterModule.register(sql=False)
    async with await without_aws(module, FakeCommands()) as compiled:
        await compiled.initialize()
        with pytest.raises(Exception, match="no read model") as caught:
            await compiled.get(MasterDataService).list_by_rds(search(), invoke_context=invoke_of("acme"))
    assert caught.value.status == 501


def search() -> Any:
    from cqrs_nest_master import CustomMasterDataSearchDto

    return CustomMasterDataSearchDto()


async def test_the_database_may_come_from_a_factory() -> None:
    made: list[str] = []

    async def database(environment: Environment) -> SqlDatabase:
        made.append(environment.app_name)
        return SqlDatabase("sqlite+aiosqlite:///:memory:", metadata, create_tables=True)

    module = MasterModule.register_async(use_factory=database, enable_controller=True, copies=False)
    async with await without_aws(module, FakeCommands()) as compiled:
        await compiled.initialize()
        found = await compiled.get(MasterDataService).list_by_rds(search(), invoke_context=invoke_of("acme"))
    assert (made, found.total) == (["test"], 0)
    given = SqlDatabase("sqlite+aiosqlite:///:memory:", metadata, create_tables=True)
    async with await without_aws(MasterModule.register(database=given), FakeCommands()) as compiled:
        await compiled.initialize()
        assert compiled.get(SqlDatabase) is given


async def test_another_table_has_no_read_model() -> None:
    with pytest.raises(InvalidModuleError, match="no read model"):
        MasterModule.register(table_name="settings")
    async with await without_aws(MasterModule.register(table_name="settings", sql=False), FakeCommands()):
        pass
