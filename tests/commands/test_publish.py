"""What publishing writes, refuses and answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from cqrs_nest.commands import (
    REMOVE,
    CommandInput,
    CommandModel,
    DetailKey,
    Replace,
    VersionConflictException,
)
from cqrs_nest.common import BadRequestException, ForbiddenException, HttpException
from cqrs_nest.context import Invoke, current_invoke

PK = "TODO#acme"


def todo(version: int = 0, name: str = "milk", sk: str = "A1", **properties: Any) -> CommandInput:
    return CommandInput(
        pk=PK, sk=sk, id=f"{PK}#{sk}", code=sk, type="TODO", name=name, version=version, **properties
    )


def invoke(user: str = "u1", tenant: str = "acme") -> Invoke:
    claims = {"sub": user, "custom:tenant": tenant}
    request = {"http": {"sourceIp": "192.0.2.1"}, "authorizer": {"jwt": {"claims": claims}}}
    return Invoke({"requestContext": request}, {"awsRequestId": f"request of {user}"})


async def both(service: Any, command: CommandInput, how: str, **options: Any) -> CommandModel | None:
    published: CommandModel | None = await getattr(service.commands, f"publish_{how}")(command, **options)
    return published


HOW = pytest.mark.parametrize("how", ["sync", "async"])


@HOW
async def test_a_command_names_who_published_it(service: Any, how: str) -> None:
    command = await both(service, todo(), how, invoke_context=invoke(), source="[todo]:X.y")
    assert command is not None
    assert command.key == DetailKey(PK, "A1@1")
    assert (command.version, command.created_by, command.updated_by) == (1, "u1", "u1")
    assert (command.created_ip, command.request_id, command.source) == (
        "192.0.2.1",
        "request of u1",
        "[todo]:X.y",
    )


async def test_the_caller_is_that_of_the_current_request_unless_given(service: Any) -> None:
    token = current_invoke.set(invoke("u7"))
    try:
        command = await service.commands.publish_async(todo())
    finally:
        current_invoke.reset(token)
    assert command.created_by == "u7"


@HOW
async def test_a_version_is_published_once(service: Any, how: str) -> None:
    await both(service, todo(), how)
    await both(service, todo(1, "bread"), how)
    with pytest.raises(VersionConflictException) as caught:
        await both(service, todo(1, "beer"), how)
    conflict = caught.value
    assert (conflict.key, conflict.expected, conflict.status) == (DetailKey(PK, "A1"), 1, 409)
    assert conflict.body()["statusCode"] == 409
    assert set(service.rows("todo-command")) == {"A1@1", "A1@2"}


@HOW
async def test_a_version_that_nobody_wrote_is_a_conflict(service: Any, how: str) -> None:
    with pytest.raises(VersionConflictException, match="must be equal to the latest version"):
        await both(service, todo(3), how)
    assert service.rows("todo-command") == {}


@HOW
async def test_legacy_status_codes_answer_400(start: Any, how: str) -> None:
    service = await start(legacy_status_codes=True)
    with pytest.raises(VersionConflictException) as caught:
        await both(service, todo(3), how)
    assert caught.value.body() == {
        "message": "Invalid input version. The input version must be equal to the latest version",
        "error": "Bad Request",
        "statusCode": 400,
    }


@HOW
async def test_of_concurrent_publishes_one_wins(service: Any, how: str) -> None:
    await both(service, todo(), how)
    changes = [both(service, todo(1, f"name {n}"), how) for n in range(16)]
    results = await asyncio.gather(*changes, return_exceptions=True)
    winners = [result for result in results if isinstance(result, CommandModel)]
    conflicts = [result for result in results if isinstance(result, VersionConflictException)]
    assert (len(winners), len(conflicts)) == (1, 15)
    assert service.rows("todo-command")["A1@2"]["name"]["S"] == winners[0].name


@HOW
async def test_nothing_is_written_when_nothing_changes(service: Any, how: str) -> None:
    await both(service, todo(attributes={"n": 1, "at": datetime(2024, 1, 1, tzinfo=UTC)}), how)
    same = todo(1, attributes={"at": datetime(2024, 1, 1, tzinfo=UTC), "n": 1.0})
    assert await both(service, same, how) is None
    assert set(service.rows("todo-command")) == {"A1@1"}


@HOW
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"version": -2}, "Invalid input version"),
        ({"version": 1.5}, "Invalid input version"),
        ({"version": "1"}, "Invalid input version"),
        ({"version": True}, "Invalid input version"),
        ({"sk": "me@example.com"}, 'must not contain "@"'),
        ({"sk": "a@b@1"}, 'must not contain "@"'),
        ({"sk": ""}, "bytes"),
        ({"sk": "x" * 1014}, "bytes"),
        ({"pk": None}, "must be texts"),
        ({"attributes": "s3://bucket/other-tenants.json"}, "not a reference"),
        ({"attributes": {"n": float("nan")}}, '"attributes.n" cannot be written'),
        ({"total": [float("nan")]}, '"total[0]" cannot be written'),
        ({"total": "\ud800"}, "the value cannot be written: {'ttl'"),
        ({"attributes": {"x": object()}}, "cannot be written"),
    ],
)
async def test_what_can_never_be_right_is_refused(
    service: Any, how: str, change: dict[str, Any], text: str
) -> None:
    with pytest.raises(BadRequestException) as caught:
        await getattr(service.commands, f"publish_{how}")({**todo().to_row(), **change})
    assert text in caught.value.body()["message"]
    assert service.rows("todo-command") == service.rows("todo-data") == {}


@HOW
async def test_a_key_of_another_tenant_is_refused(service: Any, how: str) -> None:
    token = current_invoke.set(invoke(tenant="other"))
    try:
        with pytest.raises(ForbiddenException):
            await both(service, todo(), how)
        assert service.rows("todo-command") == {}
        assert await both(service, todo(), how, allow_cross_tenant=True) is not None
        for read in (service.commands.get_item, service.data.get_item, service.history.get_item):
            with pytest.raises(ForbiddenException):
                await read(pk=PK, sk="A1@1")
        with pytest.raises(ForbiddenException):
            await service.data.list_items_by_pk(PK)
    finally:
        current_invoke.reset(token)


async def test_a_sync_update_is_seen_at_once_and_keeps_what_was(service: Any) -> None:
    await service.commands.publish_sync(todo(), invoke_context=invoke("u1"))
    await service.commands.publish_sync(todo(1, "bread"), invoke_context=invoke("u2"))
    item = await service.data.get_item(pk=PK, sk="A1")
    assert (item.name, item.version, item.created_by, item.updated_by) == ("bread", 2, "u1", "u2")
    versions = await service.history.list_versions(pk=PK, sk="A1")
    assert [(v.version, v.name, v.updated_by) for v in versions] == [(1, "milk", "u1"), (2, "bread", "u2")]


async def test_versions_are_listed_in_the_order_of_numbers(service: Any) -> None:
    await service.commands.publish_sync(todo())
    for version in range(1, 11):
        await service.commands.publish_sync(todo(version, f"name {version}"))
    versions = await service.history.list_versions(pk=PK, sk="A1")
    assert [entity.version for entity in versions] == list(range(1, 12))


async def test_a_pending_command_makes_a_sync_publish_fail(service: Any) -> None:
    await service.commands.publish_sync(todo())
    await service.commands.publish_async(todo(1, "bread"))
    with pytest.raises(VersionConflictException, match="conditional request failed"):
        await service.commands.publish_sync(todo(1, "beer"))
    assert (await service.data.get_item(pk=PK, sk="A1")).name == "milk"
    assert service.rows("todo-history") == {}


@HOW
async def test_partial_updates_merge(service: Any, how: str) -> None:
    await service.commands.publish_sync(
        todo(attributes={"a": 1, "o": {"x": 1, "y": 2}, "list": [1, 2], "gone": 1, "whole": {"x": 1}})
    )
    update = getattr(service.commands, f"publish_partial_update_{how}")
    changes = {"o": {"x": 5}, "list": [3], "gone": REMOVE, "whole": Replace({"z": 1}), "a": {"not": "over 1"}}
    command = await update(CommandInput(pk=PK, sk="A1", version=1, attributes=changes))
    assert command.attributes == {"a": 1, "o": {"x": 5, "y": 2}, "list": [3], "whole": {"z": 1}}
    assert (command.name, command.version) == ("milk", 2)
    stored = service.rows("todo-command")["A1@2"]
    assert "cpk" not in stored
    assert "csk" not in stored


async def test_a_partial_update_starts_a_life_of_its_own(service: Any) -> None:
    await service.commands.publish_sync(todo())
    command = await service.commands.publish_partial_update_async(
        {"pk": PK, "sk": "A1", "version": 1, "name": "x"}
    )
    assert (command.status, command.sync_mode, command.task_token) == (None, None, None)


@pytest.mark.parametrize("version", [0, -1])
async def test_a_partial_async_update_takes_the_newest_command(service: Any, version: int) -> None:
    await service.commands.publish_async(todo())
    await service.commands.publish_async(todo(1, "bread"))
    update = {"pk": PK, "sk": "A1", "version": version, "code": "C"}
    command = await service.commands.publish_partial_update_async(update)
    assert (command.version, command.name, command.code) == (3, "bread", "C")


@pytest.mark.parametrize(
    ("how", "version", "error", "status"),
    [
        ("async", 1, BadRequestException, 400),
        ("async", -1, BadRequestException, 400),
        ("sync", 1, BadRequestException, 400),
        ("sync", -1, BadRequestException, 400),
    ],
)
async def test_a_partial_update_of_nothing_is_refused(
    service: Any, how: str, version: int, error: type[HttpException], status: int
) -> None:
    update = getattr(service.commands, f"publish_partial_update_{how}")
    with pytest.raises(error) as caught:
        await update({"pk": PK, "sk": "A1", "version": version, "name": "x"})
    assert caught.value.status == status


async def test_a_partial_sync_update_of_another_version_is_a_conflict(service: Any) -> None:
    await service.commands.publish_sync(todo())
    with pytest.raises(VersionConflictException) as caught:
        await service.commands.publish_partial_update_sync({"pk": PK, "sk": "A1", "version": 2, "name": "x"})
    assert (caught.value.expected, caught.value.actual) == (2, 1)


async def test_a_duplicate_is_a_new_command_for_the_pipeline(service: Any) -> None:
    await service.commands.publish_sync(todo(), invoke_context=invoke("u1"))
    command = await service.commands.duplicate(pk=PK, sk="A1", invoke_context=invoke("u2"))
    assert (command.version, command.source, command.created_by, command.updated_by) == (
        2,
        "duplicated",
        "u1",
        "u2",
    )
    assert "syncMode" not in service.rows("todo-command")["A1@2"]


async def test_absent_none_and_extra_properties_stay_apart(service: Any) -> None:
    await service.commands.publish_sync({"pk": PK, "sk": "A1", "seq": None, "colour": "red", "gone": REMOVE})
    row = service.rows("todo-command")["A1@1"]
    assert row["seq"] == {"NULL": True}
    assert row["colour"] == {"S": "red"}
    assert {"gone", "name", "isDeleted"}.isdisjoint(row)
    stored = await service.commands.get_item(pk=PK, sk="A1@1")
    assert stored.to_row()["colour"] == "red"
    assert stored.name == ""


async def test_large_attributes_go_through(service: Any) -> None:
    text = "x" * 200_000
    await service.commands.publish_sync(todo(attributes={"text": text}))
    assert service.rows("todo-command")["A1@1"]["attributes"]["S"].startswith(
        "s3://bucket/ddb/local-test-todo-c"
    )
    assert service.rows("todo-data")["A1"]["attributes"]["S"].startswith("s3://bucket/ddb/local-test-todo-d")
    assert (await service.data.get_item(pk=PK, sk="A1")).attributes == {"text": text}


async def test_a_row_says_nothing_of_a_caller_that_there_is_not(service: Any) -> None:
    await service.commands.publish_async(todo())
    row = service.rows("todo-command")["A1@1"]
    assert not {"source", "requestId", "createdBy", "updatedBy", "createdIp", "updatedIp"} & row.keys()
