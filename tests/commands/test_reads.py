"""Reads that leave deleted items out, see every version, and keep tenants apart."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.commands.registry import InvalidCommandTableError
from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, current_invoke

PK = "TODO#acme"


def todo(sk: str, version: int = 0, **more: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": sk, "id": f"{PK}#{sk}", "name": "milk", "version": version, **more}


async def test_pages_without_deleted_items_are_full(service: Any) -> None:
    for n in range(9):
        await service.commands.publish_sync(todo(f"S{n}", isDeleted=n not in (0, 5, 8)))
    first = await service.data.list_items_by_pk(PK, limit=2, include_deleted=False)
    assert [item.sk for item in first.items] == ["S0", "S5"]
    rest = await service.data.list_items_by_pk(
        PK, limit=2, start_from_sk=first.last_sk, include_deleted=False
    )
    assert [item.sk for item in rest.items] == ["S8"]
    assert rest.last_sk is None
    assert len((await service.data.list_items_by_pk(PK, limit=20)).items) == 9


async def test_a_state_replaced_during_a_look_at_the_versions_is_among_them(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.commands.publish_sync(todo("A"))
    earlier = service.history._earlier

    async def replacing(pk: str, sk: str) -> Any:
        await service.commands.publish_sync(todo("A", 1, seq=2))
        return await earlier(pk, sk)

    monkeypatch.setattr(service.history, "_earlier", replacing)
    assert [entity.version for entity in await service.history.list_versions(pk=PK, sk="A")] == [1]
    monkeypatch.undo()
    versions = await service.history.list_versions(pk=PK, sk="A")
    assert [(entity.version, entity.seq) for entity in versions] == [(1, None), (2, 2)]


async def test_everything_keeps_tenants_apart(service: Any) -> None:
    await service.commands.publish_sync(todo("A"))
    row = (await service.data.get_item(pk=PK, sk="A")).to_row()
    key = {"pk": PK, "sk": "A@1"}
    claims = {"sub": "mallory", "custom:tenant": "other"}
    invoke = Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {})
    attempts = [
        lambda: service.commands.get_item(**key),
        lambda: service.commands.get_latest_item(**key),
        lambda: service.commands.get_next_command(**key),
        lambda: service.commands.update_status(**key, status="x"),
        lambda: service.commands.update_ttl(**key),
        lambda: service.commands.update_task_token(**key, token="x"),
        lambda: service.commands.re_sync_data(),
        lambda: service.commands.duplicate(**key),
        lambda: service.data.publish(row),
        lambda: service.data.list_items_by_pk(PK),
        lambda: service.data.iterate_items_by_pk(PK).__anext__(),
        lambda: service.history.publish(pk=PK, sk="A"),
        lambda: service.history.list_versions(pk=PK, sk="A"),
    ]
    token = current_invoke.set(invoke)
    try:
        for attempt in attempts:
            with pytest.raises(ForbiddenException):
                await attempt()
    finally:
        current_invoke.reset(token)


class BlockingHandler:
    def up(self, command: object) -> None: ...


async def test_a_handler_that_is_not_async_is_refused_at_start(start: Any) -> None:
    with pytest.raises(InvalidCommandTableError, match=r"(?s)BlockingHandler.*`up` that is not async"):
        await start(data_sync_handlers=[BlockingHandler])


@pytest.mark.parametrize("name", ["to do", "a/b", ""])
async def test_a_table_name_that_dynamodb_does_not_take_is_refused_at_start(start: Any, name: str) -> None:
    with pytest.raises(InvalidCommandTableError, match="no name in DynamoDB"):
        await start(table_name=name)
