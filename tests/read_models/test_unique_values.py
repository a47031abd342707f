"""Codes that only one item may have go from one item to another, while rows of both are written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
import pytest_asyncio
from sqlalchemy import Column, Enum, Integer, MetaData, String, Table, UniqueConstraint, select, update
from sqlalchemy.exc import IntegrityError

from cqrs_nest.commands import CommandModel
from cqrs_nest.read_models import Projection, ProjectionFailedError, SqlProjection, SqlRow
from cqrs_nest.read_models.columns import KeyText
from tests.read_models.command_store import CommandStore, command_store
from tests.read_models.projections import PK, command
from tests.read_models.slow_replay import rebuild

pytestmark = pytest.mark.asyncio(loop_scope="module")

METADATA = MetaData()
ITEMS = Table(
    "items",
    METADATA,
    Column("pk", KeyText(100), primary_key=True),
    Column("sk", KeyText(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("code", String(50)),
    Column("created_by", String(50)),
    # On PostgreSQL a type of its own, which goes neither with the fresh tables nor with the old ones.
    Column("is_deleted", Enum("no", "yes", name="yes_or_no")),
    UniqueConstraint("pk", "code", name="uq_items_code"),
)
ALIASES = Table(
    "aliases",
    METADATA,
    Column("pk", KeyText(100), primary_key=True),
    Column("alias", String(50), primary_key=True),
    Column("sk", KeyText(100), nullable=False),
)
KEYS = "ABCDE"


@Projection("task", table=ITEMS, details=[ALIASES])
class ItemProjection(SqlProjection):
    """Codes and aliases, each of one item."""

    def row(self, command: CommandModel) -> SqlRow:
        return {**super().row(command), "is_deleted": "no"}

    def details(self, command: CommandModel) -> Mapping[Table, Sequence[SqlRow]]:
        return {ALIASES: [{"alias": alias} for alias in command.attributes.get("aliases", ())]}


def of(sk: str, version: int, code: int) -> CommandModel:
    aliases = [] if code is None else [f"alias {code}"]
    return command(
        sk, version, code=None if code is None else f"code {code}", attributes={"aliases": aliases}
    )


def turned(version: int) -> list[CommandModel]:
    """In each version every item has the code that the next one had in the version before."""
    return [of(sk, version, (place + version) % len(KEYS)) for place, sk in enumerate(KEYS)]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def service(shared_database_url: str) -> AsyncIterator[CommandStore]:
    async with command_store(shared_database_url, ItemProjection, METADATA) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="module")
async def store(service: CommandStore) -> CommandStore:
    """Five items, each with a code that another one had in the version before."""
    await service.clear()
    await service.fill(*turned(1))
    return service


async def codes(store: CommandStore) -> dict[str, tuple[int, str, str]]:
    async with store.database.connect() as connection:
        rows = (await connection.execute(select(ITEMS))).mappings().all()
        aliases = {row.sk: row.alias for row in await connection.execute(select(ALIASES))}
    assert {row["sk"]: row["code"].replace("code", "alias") for row in rows} == aliases
    return {row["sk"]: (row["version"], row["code"], row["created_by"]) for row in rows}


def expected(version: int) -> dict[str, tuple[int, str, str]]:
    return {sk: (version, f"code {(place + version) % len(KEYS)}", "user 1") for place, sk in enumerate(KEYS)}


@pytest.mark.parametrize("page", range(1, 7))
async def test_codes_that_move_while_rows_are_filled(store: CommandStore, page: int) -> None:
    async def move(at: int) -> None:
        if at == page:
            await store.fill(*turned(2))

    await rebuild(store, move, "data").run()
    assert await codes(store) == expected(2)
    assert await store.projections.verify(store.projection) == []


async def test_codes_that_move_before_the_catch_up(store: CommandStore) -> None:
    async def move(at: int) -> None:
        if at == 3:
            await store.fill(*turned(2), *turned(3))

    await rebuild(store, move, "commands").run()
    assert await codes(store) == expected(3)


async def test_rows_that_are_all_behind_are_repaired(store: CommandStore) -> None:
    await store.fill(*turned(2), project=False)
    assert len(await store.projections.verify(store.projection, repair=True)) == 5
    assert await codes(store) == expected(2)


async def test_a_code_that_came_to_the_wrong_item_is_repaired(store: CommandStore) -> None:
    async with store.database.begin() as connection:
        for sk, code in (("A", None), ("B", "code 1"), ("A", "code 2")):
            await connection.execute(update(ITEMS).where(ITEMS.c.sk == sk).values(code=code))
    assert len(await store.projections.verify(store.projection, repair=True)) == 2
    assert await codes(store) == expected(1)


@pytest.mark.parametrize("order", ["ABCDE", "EDCBA", "CAEBD"])
async def test_live_commands_in_any_order(store: CommandStore, order: str) -> None:
    newer = {model.sk[0]: model for model in turned(2)}
    await store.fill(*newer.values(), project=False)
    for sk in order * 2:
        await store.projection.up(newer[sk])
    assert await codes(store) == expected(2)


async def test_a_code_that_is_not_free_yet_waits_for_its_item(store: CommandStore) -> None:
    """B's next command is not applied yet, so nothing says that its code is to be free."""
    taker = await store.write("A", 2, code="code 2", attributes={"aliases": ["alias 2"]})
    with pytest.raises(IntegrityError):
        await store.projection.up(taker)
    assert await codes(store) == expected(1)
    await store.fill(of("B", 2, 9))
    await store.projection.up(taker)
    found = await codes(store)
    assert (found["A"][1], found["B"][1]) == ("code 2", "code 9")


async def test_items_that_have_one_code_are_named(store: CommandStore) -> None:
    before = await codes(store)
    await store.fill(of("F", 1, 2), project=False)
    with pytest.raises(ProjectionFailedError, match=r"TASK#acme \w and TASK#acme \w have the same pk, code"):
        await store.projections.rebuild(store.projection)
    assert await codes(store) == before
    with pytest.raises(IntegrityError):
        await store.projection.up(of("F", 1, 2))
    with pytest.raises(ProjectionFailedError, match=f"{PK} B and {PK} F have the same pk, code"):
        await store.projections.verify(store.projection, repair=True)
