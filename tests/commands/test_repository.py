"""Users see what they have just published; others see what is applied."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.commands import ItemPage, Repository
from cqrs_nest.context import Invoke

PK = "TODO#acme"


def invoke(user: str) -> Invoke:
    claims = {"sub": user, "custom:tenant": "acme"}
    return Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {})


AUTHOR, OTHER = invoke("u1"), invoke("u2")


def todo(sk: str, version: int = 0, name: str = "milk", **properties: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": sk, "id": f"{PK}#{sk}", "name": name, "version": version, **properties}


@pytest.fixture
async def remembering(start: Any) -> Any:
    return await start(events="off", env={"ryw_session_ttl_minutes": 5})


async def test_the_author_sees_a_pending_command(remembering: Any) -> None:
    repository = remembering.table.get(Repository)
    await remembering.commands.publish_async(todo("A1"), invoke_context=AUTHOR)
    seen = await repository.get_item(pk=PK, sk="A1", invoke_context=AUTHOR)
    assert (seen.name, seen.version, seen.csk) == ("milk", 1, "A1@1")
    assert await repository.get_item(pk=PK, sk="A1", invoke_context=OTHER) is None
    assert await repository.get_item(pk=PK, sk="A1") is None


async def test_a_newer_item_wins_over_an_own_older_command(remembering: Any) -> None:
    repository = remembering.table.get(Repository)
    await remembering.commands.publish_async(todo("A1"), invoke_context=AUTHOR)
    row = {"pk": {"S": PK}, "sk": {"S": "A1"}, "version": {"N": "2"}, "name": {"S": "newer"}}
    remembering.put("todo-data", row)
    assert (await repository.get_item(pk=PK, sk="A1", invoke_context=AUTHOR)).name == "newer"
    listed = await repository.list_items_by_pk(PK, invoke_context=AUTHOR)
    assert [item.name for item in listed.items] == ["newer"]


async def test_a_page_shows_the_authors_changes(remembering: Any) -> None:
    repository, commands = remembering.table.get(Repository), remembering.commands
    for sk in ("A1", "A2", "A3", "A4"):
        await commands.publish_sync(todo(sk), invoke_context=OTHER)
    await commands.publish_async(todo("A2", 1, "changed"), invoke_context=AUTHOR)
    await commands.publish_async(todo("A3", 1, isDeleted=True), invoke_context=AUTHOR)
    await commands.publish_async(todo("Z1"), invoke_context=AUTHOR)
    await commands.publish_async(
        {**todo("B1"), "pk": "TODO#acme#x", "id": "TODO#acme#x#B1"},
        invoke_context=AUTHOR,
        allow_cross_tenant=True,
    )

    remembering.calls.clear()
    page = await repository.list_items_by_pk(PK, limit=3, invoke_context=AUTHOR)
    assert sorted(remembering.calls) == ["dynamodb.BatchGetItem", "dynamodb.Query", "dynamodb.Query"]
    assert [(item.sk, item.name) for item in page.items] == [
        ("Z1", "milk"),
        ("A1", "milk"),
        ("A2", "changed"),
    ]
    assert page.last_sk == "A3"

    for plain in (
        await repository.list_items_by_pk(PK, latest=False, limit=3, invoke_context=AUTHOR),
        await repository.list_items_by_pk(PK, limit=3, invoke_context=OTHER),
    ):
        assert [item.sk for item in plain.items] == ["A1", "A2", "A3"]


async def test_an_applied_item_of_another_page_is_not_added(remembering: Any) -> None:
    repository, commands = remembering.table.get(Repository), remembering.commands
    for sk in ("A1", "Z1"):
        await commands.publish_async(todo(sk), invoke_context=AUTHOR)
        key = {"pk": PK, "sk": sk}
        row = await commands.get_item(pk=PK, sk=f"{sk}@1")
        remembering.put(
            "todo-data", {name: {"S": value} for name, value in key.items()} | {"version": {"N": "1"}}
        )
        await commands.update_status(pk=PK, sk=row.sk, status="finish:FINISHED")
    page = await repository.list_items_by_pk(PK, limit=1, invoke_context=AUTHOR)
    assert [item.sk for item in page.items] == ["A1"]


async def test_another_store_shows_what_is_applied_by_itself(remembering: Any) -> None:
    async def find() -> ItemPage[str]:
        return ItemPage([], 0)

    repository, commands = remembering.table.get(Repository), remembering.commands
    for sk in ("A1", "Z1"):
        await commands.publish_async(todo(sk), invoke_context=AUTHOR)
    await commands.update_status(pk=PK, sk="A1@1", status="finish:FINISHED")
    page = await repository.list_items(
        find, id_of=str, apply=lambda entity, _: entity.sk, invoke_context=AUTHOR
    )
    assert (page.items, page.total) == (["Z1"], 1)


async def test_without_sessions_it_is_the_data_service(service: Any) -> None:
    repository = service.table.get(Repository)
    await service.commands.publish_async(todo("A1"), invoke_context=AUTHOR)
    assert await repository.get_item(pk=PK, sk="A1", invoke_context=AUTHOR) is None
    assert (await repository.list_items_by_pk(PK, invoke_context=AUTHOR)).items == []
    assert service.rows("session") == {}


async def test_a_lost_session_fails_no_command(remembering: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = remembering.session.client("dynamodb")
    client.delete_table(TableName="local-test-session")
    assert await remembering.commands.publish_async(todo("A1"), invoke_context=AUTHOR) is not None
    assert "RYW session write failed" in caplog.text
