"""What is refused before anything is written, and what of S3 is left behind: nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.commands import (
    DetailKey,
    Expect,
    LostAttributesException,
    Replace,
    Repository,
    VersionConflictException,
)
from cqrs_nest.common import BadRequestException

PK = "TODO#acme"


def todo(version: int = 0, **more: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": "A1", "id": f"{PK}#A1", "name": "milk", "version": version, **more}


def objects(service: Any) -> list[str]:
    listed = service.session.client("s3").list_objects_v2(Bucket="bucket").get("Contents", [])
    return sorted(entry["Key"].rpartition("/")[0] for entry in listed)


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
async def test_an_item_over_400_kb(service: Any, how: str) -> None:
    with pytest.raises(BadRequestException, match="bytes"):
        await getattr(service.commands, how)(todo(description="x" * 410_000))
    assert service.rows("todo-command") == service.rows("todo-data") == {}


async def test_an_async_command_leaves_room_for_its_data_row(service: Any) -> None:
    with pytest.raises(BadRequestException, match="bytes"):
        await service.commands.publish_async(todo(description="x" * 408_000))


@pytest.mark.parametrize(("pk", "sk"), [("", "A1"), (PK, ""), ("p" * 2049, "A1"), (PK, "s" * 1025)])
async def test_keys_that_no_item_has_are_not_asked_for(service: Any, pk: str, sk: str) -> None:
    reads = [
        service.data.get_item,
        service.commands.get_item,
        service.commands.get_latest_item,
        service.history.get_item,
        service.history.list_versions,
        service.table.get(Repository).get_item,
    ]
    service.calls.clear()
    for read in reads:
        with pytest.raises(BadRequestException, match="bytes"):
            await read(pk=pk, sk=sk)
    with pytest.raises(BadRequestException, match="bytes"):
        await service.data.list_items_by_pk(pk, start_from_sk=sk)
    assert service.calls == []


async def test_a_first_version_that_has_expired_does_not_make_an_item_new(service: Any) -> None:
    for kind in ("command", "data", "history"):
        key = {"pk": {"S": "MASTER#acme"}, "sk": {"S": f"TTL#local-test-todo-{kind}"}}
        service.put("master-data", {**key, "attributes": {"M": {"days": {"N": "1"}}}})
    await service.commands.publish_sync(todo())
    service.delete("todo-command", PK, "A1@1")
    with pytest.raises(VersionConflictException):
        await service.commands.publish_async(todo(name="again"))
    assert service.rows("todo-command") == {}
    assert (await service.commands.publish_async(todo(sk="B1"))).version == 1


async def test_replaced_attributes_leave_s3(service: Any) -> None:
    await service.commands.publish_sync(todo(attributes={"text": "a" * 200_000}))
    await service.commands.publish_sync(todo(1, attributes={"text": "b" * 200_000}))
    table = "ddb/local-test-todo"
    assert objects(service) == [
        f"{table}-command/{PK}/A1@1",
        f"{table}-command/{PK}/A1@2",
        f"{table}-data/{PK}/A1",
        f"{table}-history/{PK}/A1@1",
    ]
    assert (await service.data.get_item(pk=PK, sk="A1")).attributes["text"][0] == "b"
    assert (await service.history.get_item(pk=PK, sk="A1@1")).attributes["text"][0] == "a"


@pytest.mark.parametrize("how", ["publish_async", "publish_sync"])
async def test_a_refused_publish_leaves_nothing_in_s3(service: Any, how: str) -> None:
    await service.commands.publish_async(todo())
    with pytest.raises(VersionConflictException):
        await getattr(service.commands, how)(todo(attributes={"text": "a" * 200_000}))
    assert objects(service) == []


async def test_a_reader_that_meets_a_replacement_gets_the_new_state(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.commands.publish_sync(todo(attributes={"text": "a" * 200_000}))
    s3 = service.session.client("s3")
    original, replaced = s3.get_object, []

    def replacing(**request: Any) -> Any:
        if not replaced:
            replaced.append(True)
            s3.delete_object(Bucket="bucket", Key=request["Key"])
            row = {"pk": {"S": PK}, "sk": {"S": "A1"}, "version": {"N": "2"}, "attributes": {"M": {}}}
            service.put("todo-data", row)
        return original(**request)

    monkeypatch.setattr(s3, "get_object", replacing)
    assert (await service.data.get_item(pk=PK, sk="A1")).version == 2


@pytest.fixture
async def lost(start: Any) -> Any:
    """A service with an item whose large attributes are gone from S3, and its command's as well."""
    service = await start(events="stream")
    await service.commands.publish_sync(todo(attributes={"text": "a" * 200_000}))
    s3 = service.session.client("s3")
    for listed in s3.list_objects_v2(Bucket="bucket")["Contents"]:
        s3.delete_object(Bucket="bucket", Key=listed["Key"])
    return service


async def test_lost_attributes_are_not_read_as_something_else(lost: Any) -> None:
    with pytest.raises(Exception, match="NoSuchKey"):
        await lost.data.get_item(pk=PK, sk="A1")
    with pytest.raises(Exception, match="NoSuchKey"):
        await lost.commands.get_latest_item(pk=PK, sk="A1")


@pytest.mark.parametrize(
    "publish",
    ["publish_sync", "publish_async", "publish_partial_update_sync", "publish_partial_update_async"],
)
@pytest.mark.parametrize("version", [1, Expect.any()])
async def test_lost_attributes_do_not_block_the_next_version(lost: Any, publish: str, version: int) -> None:
    attributes = {"text": "b"}
    given = Replace(attributes) if "partial" in publish else attributes
    command = await getattr(lost.commands, publish)({**todo(attributes=given), "version": version})
    assert (command.version, command.attributes) == (2, attributes)
    if "_sync" in publish:
        assert (await lost.data.get_item(pk=PK, sk="A1")).attributes == attributes
        history = lost.rows("todo-history")["A1@1"]
        assert history["attributes"]["S"].startswith("s3://bucket/ddb/local-test-todo-data/")


async def test_a_change_is_not_merged_into_lost_attributes(lost: Any) -> None:
    changes = {"pk": PK, "sk": "A1", "version": 1, "name": "bread"}
    for how in ("sync", "async"):
        with pytest.raises(LostAttributesException, match=f"The attributes of {PK} A1.* are lost"):
            await getattr(lost.commands, f"publish_partial_update_{how}")(changes)
        with pytest.raises(LostAttributesException):
            await lost.commands.update(DetailKey(PK, "A1"), lambda item: {"name": "x"}, sync=how == "sync")
    assert set(lost.rows("todo-command")) == {"A1@1"}


@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [
        (None, {"version": {"N": "1"}}),
        ({"version": {"N": "1"}}, {"version": {"N": "2"}}),
        ({}, {"version": {"N": "1"}}),
    ],
    ids=["made", "changed", "given a version"],
)
async def test_a_data_row_that_changes_while_it_is_published_on_is_not_overwritten(
    service: Any, before: dict[str, Any] | None, meanwhile: dict[str, Any]
) -> None:
    """Also where the other one's command has expired, so that its version is free."""
    key = {"pk": {"S": PK}, "sk": {"S": "A1"}}
    if before is not None:
        service.put("todo-data", {**key, **before})
    events, changed = service.session.client("dynamodb").meta.events, []

    def change(**_: Any) -> None:
        if not changed:
            changed.append(True)
            service.put("todo-data", {**key, **meanwhile, "name": {"S": "by another"}})

    events.register("before-call.dynamodb.TransactWriteItems", change)
    with pytest.raises(VersionConflictException):
        await service.commands.publish_sync(todo(-1))
    assert service.rows("todo-data")["A1"]["name"]["S"] == "by another"
    assert service.rows("todo-command") == service.rows("todo-history") == {}
