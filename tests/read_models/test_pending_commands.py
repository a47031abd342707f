"""A page of a read model with the commands of the caller that have not reached it yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from cqrs_nest.commands import CommandService, DataEntity, ItemPage, Repository
from cqrs_nest.context import Invoke
from cqrs_nest.read_models import search
from tests.read_models.command_store import CommandStore, command_store
from tests.read_models.conftest import TASKS
from tests.read_models.projections import PK

Row = dict[str, Any]


def invoke(user: str) -> Invoke:
    claims = {"sub": user, "custom:tenant": "acme"}
    return Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {})


AUTHOR, OTHER = invoke("author"), invoke("other")


async def publish(commands: CommandService, sk: str, version: int, **fields: Any) -> None:
    """A command of the author that no pipeline has applied yet."""
    item = {"pk": PK, "sk": sk, "id": f"{PK}#{sk}", "version": version, "name": f"pending {sk}", **fields}
    await commands.publish_async(item, invoke_context=AUTHOR)


async def listed(
    store: CommandStore, caller: Invoke, page_size: int = 10
) -> tuple[list[tuple[str, int]], int]:
    """Names and versions as the caller sees them, and the total."""

    async def find() -> ItemPage[Row]:
        async with store.database.connect() as connection:
            found = await search(connection, TASKS, filters=[TASKS.c.pk == PK], page_size=page_size)
        return ItemPage([dict(row) for row in found.items], found.total)

    def apply(item: DataEntity, row: Row | None) -> Row:
        return {**(row or {}), "pk": item.pk, "sk": item.sk, "name": item.name, "version": item.version}

    page = await store.table_service(Repository).list_items(
        find,
        id_of=lambda row: f"{row['pk']}#{row['sk']}",
        version_of=lambda row: row["version"],
        apply=apply,
        invoke_context=caller,
    )
    return [(row["name"], row["version"]) for row in page.items], page.total


async def test_the_author_sees_what_is_pending_and_nobody_else_does(database_url: str) -> None:
    async with command_store(database_url, ryw_session_ttl_minutes=5) as store:
        for sk in "ABC":
            await store.write(sk, 1, project=True)
        before = [(f"{sk} in version 1", 1) for sk in "ABC"]
        assert await listed(store, AUTHOR) == (before, 3)
        await publish(store.commands, "A", 1)
        await publish(store.commands, "B", 1, isDeleted=True)
        await publish(store.commands, "N", 0)
        expected = [("pending N", 1), ("pending A", 2), ("C in version 1", 1)]
        assert await listed(store, AUTHOR) == (expected, 3)
        assert await listed(store, OTHER) == (before, 3)


async def test_what_is_applied_is_where_the_read_model_has_it(database_url: str) -> None:
    async with command_store(database_url, ryw_session_ttl_minutes=5) as store:
        for sk in "AB":
            await publish(store.commands, sk, 0)
            await store.write(sk, 1, project=True)
        assert await listed(store, AUTHOR, page_size=1) == ([("A in version 1", 1)], 2)


async def test_items_on_other_pages_stay_there(database_url: str) -> None:
    """Changed ones, and deleted ones, which the total knows of; an item that comes back is new."""
    async with command_store(database_url, ryw_session_ttl_minutes=5) as store:
        for sk in "ABCD":
            await store.write(sk, 1, project=True)
        first = [(f"{sk} in version 1", 1) for sk in "AB"]
        await publish(store.commands, "D", 1)
        assert await listed(store, AUTHOR, page_size=2) == (first, 4)
        assert ("pending D", 2) in (await listed(store, AUTHOR))[0]
        await publish(store.commands, "C", 1, isDeleted=True)
        await publish(store.commands, "N", 0)
        assert await listed(store, AUTHOR, page_size=2) == ([("pending N", 1), *first], 4)
        assert await listed(store, OTHER, page_size=2) == (first, 4)


async def test_it_takes_the_same_calls_for_any_page(database_url: str) -> None:
    async with command_store(database_url, ryw_session_ttl_minutes=5) as store:
        for number in range(9):
            await store.write(f"S{number}", 1, project=True)
            await publish(store.commands, f"S{number}", 1)
        calls: list[str] = []
        client = store.session.client("dynamodb").meta.events
        client.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
        engine = store.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", lambda _c, _r, text, *_: calls.append(text[:6]))
        names, total = await listed(store, AUTHOR)
        assert (len(names), total) == (9, 9)
        assert sorted(call for call in calls if not call.startswith("BEGIN")) == [
            "BatchGetItem",
            "Query",
            "SELECT",
        ]
