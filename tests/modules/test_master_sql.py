"""Projecting and searching master data on every database there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqrs_nest.commands import CommandModel
from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models import SqlDatabase
from cqrs_nest_master.dto.data_dto import CustomMasterDataSearchDto
from cqrs_nest_master.dto.setting_dto import MasterSettingSearchDto
from cqrs_nest_master.read_model import MasterProjection, SqlMasterSearch, metadata

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(database_url, metadata, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()


def command(sk: str, version: int = 1, tenant: str = "acme", **fields: Any) -> CommandModel:
    pk, moment = f"MASTER#{tenant}", START + timedelta(minutes=len(sk))
    return CommandModel.from_row(
        {
            "pk": pk,
            "sk": f"{sk}@{version}",
            "id": f"{pk}#{sk}",
            "version": version,
            "name": sk.rpartition("#")[2].title(),
            "code": sk.rpartition("#")[2],
            "tenantCode": tenant,
            "createdAt": moment,
            "updatedAt": moment,
            "attributes": {},
            **fields,
        }
    )


COMMANDS = (
    command("MASTER_SETTING#COLOUR", attributes={"description": "what it LOOKS like, in 100%"}),
    command("MASTER_SETTING#SIZE", attributes={"description": "how big"}),
    command("MASTER_SETTING#GONE", 2, isDeleted=True),
    command("COLOUR#red", seq=2),
    command("COLOUR#blue", seq=1),
    command("COLOUR#none"),
    command("SIZE#XL", 2, seq=1, isDeleted=True),
    command("GONE#x", seq=1),
    command("COLOUR#green", tenant="umbrella", seq=0),
)


@pytest.fixture
async def search(database: SqlDatabase) -> SqlMasterSearch:
    projection = MasterProjection(database)
    for each in COMMANDS:
        await projection.up(each)
    return SqlMasterSearch(database)


async def data(search: SqlMasterSearch, **fields: Any) -> Sequence[str]:
    page = await search.data("acme", CustomMasterDataSearchDto(**fields))
    return [item.code for item in page.items]


async def settings(search: SqlMasterSearch, **fields: Any) -> Sequence[str]:
    page = await search.settings("acme", MasterSettingSearchDto(**fields))
    return [item.master_code for item in page.items]


async def test_data_of_live_settings_come_by_their_sequence(search: SqlMasterSearch) -> None:
    found = await data(search)
    assert sorted(found) == ["COLOUR#blue", "COLOUR#none", "COLOUR#red"]
    assert [code for code in found if code != "COLOUR#none"] == ["COLOUR#blue", "COLOUR#red"]
    assert "SIZE#XL" in await data(search, is_deleted=True)


async def test_texts_are_found_in_any_case_and_are_no_patterns(search: SqlMasterSearch) -> None:
    assert await data(search, keyword="RED") == ["COLOUR#red"]
    assert await data(search, setting_code="COLOUR", code="LU") == ["COLOUR#blue"]
    assert await settings(search, name="siz") == ["SIZE"]
    assert await settings(search, keyword="looks") == ["COLOUR"]
    assert await settings(search, keyword="100%") == ["COLOUR"]
    assert await settings(search, keyword="1_0%") == []


async def test_pages_have_an_order_and_a_total(search: SqlMasterSearch) -> None:
    dto = CustomMasterDataSearchDto(order_bys=["-masterCode"], page_size=1, page=2)
    page = await search.data("acme", dto)
    assert (page.total, [item.master_code for item in page.items]) == (3, ["none"])
    assert await settings(search) == ["COLOUR", "SIZE"]
    assert await settings(search, order_bys=["-name"]) == ["SIZE", "COLOUR"]
    with pytest.raises(BadRequestException):
        await data(search, order_bys=["secret"])


async def test_a_row_is_what_its_newest_command_says(search: SqlMasterSearch, database: SqlDatabase) -> None:
    projection = MasterProjection(database)
    await projection.up(command("COLOUR#red", 3, name="Crimson", seq=9, attributes={"hex": "#dc143c"}))
    await projection.up(command("COLOUR#red", 2, name="late"))
    [row] = (await search.data("acme", CustomMasterDataSearchDto(code="red"))).items
    assert (row.version, row.name, row.seq, row.attributes) == (3, "Crimson", 9, {"hex": "#dc143c"})
    assert (row.master_type_code, row.created_at) == ("COLOUR", START + timedelta(minutes=len("COLOUR#red")))
