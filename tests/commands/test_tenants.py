"""No service of the store reads or writes what belongs to another tenant than the caller's."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from cqrs_nest.commands import CommandInput, DetailKey, ItemPage, Repository
from cqrs_nest.common import BadRequestException, ForbiddenException
from cqrs_nest.context import Invoke, current_invoke, system_context

MINE, OTHERS = "TODO#acme", "TODO#umbrella"


def invoke(tenant: str | None = "acme", user: str = "u1") -> Invoke:
    claims = {"sub": user, **({"custom:tenant": tenant} if tenant else {})}
    return Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {"awsRequestId": "r1"})


def todo(pk: str = MINE, sk: str = "A1", **more: Any) -> dict[str, Any]:
    return {"pk": pk, "sk": sk, "id": f"{pk}#{sk}", "name": "milk", "attributes": {"n": 1}, **more}


@pytest.fixture
async def remembering(start: Any) -> Any:
    return await start(events="off", env={"ryw_session_ttl_minutes": 5})


async def first(items: Any) -> Any:
    async for item in items:
        return item


KEY = {"pk": OTHERS, "sk": "A1@1"}
CALLS: dict[str, Callable[..., Any]] = {
    "publish_async": lambda s, **o: s.commands.publish_async(todo(OTHERS), **o),
    "publish_sync": lambda s, **o: s.commands.publish_sync(todo(OTHERS), **o),
    "publish_partial_update_async": lambda s, **o: s.commands.publish_partial_update_async(
        {"pk": OTHERS, "sk": "A1", "version": 1}, **o
    ),
    "publish_partial_update_sync": lambda s, **o: s.commands.publish_partial_update_sync(
        {"pk": OTHERS, "sk": "A1", "version": 1}, **o
    ),
    "update": lambda s, **o: s.commands.update(DetailKey(OTHERS, "A1"), lambda item: {"name": "x"}, **o),
    "duplicate": lambda s, **o: s.commands.duplicate(**KEY, **o),
    "get_item": lambda s, **o: s.commands.get_item(**KEY, **o),
    "get_latest_item": lambda s, **o: s.commands.get_latest_item(**KEY, **o),
    "get_next_command": lambda s, **o: s.commands.get_next_command(**KEY, **o),
    "data.get_item": lambda s, **o: s.data.get_item(pk=OTHERS, sk="A1", **o),
    "data.list_items_by_pk": lambda s, **o: s.data.list_items_by_pk(OTHERS, **o),
    "data.iterate_items_by_pk": lambda s, **o: first(s.data.iterate_items_by_pk(OTHERS, **o)),
    "history.get_item": lambda s, **o: s.history.get_item(**KEY, **o),
    "history.list_versions": lambda s, **o: s.history.list_versions(pk=OTHERS, sk="A1", **o),
    "repository.get_item": lambda s, **o: s.table.get(Repository).get_item(pk=OTHERS, sk="A1", **o),
    "repository.list_items_by_pk": lambda s, **o: s.table.get(Repository).list_items_by_pk(OTHERS, **o),
}
STEPS: dict[str, Callable[..., Any]] = {
    "update_task_token": lambda s: s.commands.update_task_token(**KEY, token="t"),
    "update_ttl": lambda s: s.commands.update_ttl(pk=OTHERS, sk="A1@2"),
    "update_status": lambda s: s.commands.update_status(**KEY, status="finish:FINISHED"),
    "re_sync_data": lambda s: s.commands.re_sync_data(),
    "data.publish": lambda s: s.data.publish(todo(OTHERS, "A1@1", version=1)),
    "history.publish": lambda s: s.history.publish(pk=OTHERS, sk="A1"),
}


async def test_every_operation_refuses_a_foreign_key_before_it_calls_anything(
    remembering: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await remembering.commands.publish_sync(todo(OTHERS))
    before = (remembering.rows("todo-command"), remembering.rows("todo-data"))
    current_invoke.set(invoke())
    remembering.calls.clear()
    for name, call in {**CALLS, **STEPS}.items():
        caplog.clear()
        with caplog.at_level(logging.WARNING), pytest.raises(ForbiddenException) as caught:
            await call(remembering)
        assert caught.value.status == 403, name
        [line] = caplog.messages
        assert "user 'u1' of tenant 'acme', request 'r1'" in line, name
        assert "umbrella" not in line, name
    assert remembering.calls == []
    assert (remembering.rows("todo-command"), remembering.rows("todo-data")) == before


async def test_code_may_state_the_exception_and_the_system_needs_none(remembering: Any) -> None:
    await remembering.commands.publish_sync(todo(OTHERS))
    current_invoke.set(invoke())
    found = await CALLS["data.get_item"](remembering, allow_cross_tenant=True)
    assert found.name == "milk"
    for name in CALLS:
        if "publish" not in name and name not in ("update", "duplicate"):
            await CALLS[name](remembering, allow_cross_tenant=True)
    with system_context("close-month"):
        assert (await CALLS["data.get_item"](remembering)).name == "milk"
        changed = await remembering.commands.publish_sync(todo(OTHERS, name="bread", version=1))
    assert changed.updated_by == "system:close-month"


async def test_the_caller_that_code_names_counts_as_well(service: Any) -> None:
    with pytest.raises(ForbiddenException):
        await service.commands.publish_sync(todo(OTHERS), invoke_context=invoke())
    with pytest.raises(ForbiddenException):
        await service.table.get(Repository).get_item(pk=OTHERS, sk="A1", invoke_context=invoke())
    current_invoke.set(invoke())
    with pytest.raises(ForbiddenException):
        await service.commands.publish_sync(todo(OTHERS), invoke_context=invoke("umbrella"))
    assert service.rows("todo-command") == {}


async def test_code_may_write_down_a_user_who_has_no_tenant(service: Any) -> None:
    command = await service.commands.publish_sync(todo(), invoke_context=invoke(None, "batch"))
    assert command.created_by == "batch"


@pytest.mark.parametrize(
    "claim",
    [
        {"tenantCode": "umbrella"},
        {"tenantCode": "UMBRELLA"},
        {"id": f"{OTHERS}#A1"},
        {"id": "TODO##A1"},
        {"id": "NOTE#umbrella#A1"},
        {"id": "ORDER#2024#17"},
        {"id": f"{MINE}#A2"},
        {"id": "#"},
        {"attributes": f"s3://bucket/ddb/local-test-todo-data/{OTHERS}/A1/x.json"},
        {"attributes": "s3://bucket/uploads/passport.png"},
    ],
)
async def test_a_row_of_the_callers_cannot_say_it_were_anothers(service: Any, claim: dict[str, Any]) -> None:
    current_invoke.set(invoke())
    for how in (service.commands.publish_async, service.commands.publish_sync):
        with pytest.raises(ForbiddenException):
            await how(todo(**claim))
    assert service.rows("todo-command") == service.rows("todo-data") == {}


@pytest.mark.parametrize(
    "free", [{"tenantCode": "ACME"}, {"tenantCode": ""}, {"id": f"{MINE}#A1@7"}, {"id": "A1"}, {"id": ""}]
)
async def test_ids_are_free_otherwise(service: Any, free: dict[str, Any]) -> None:
    current_invoke.set(invoke())
    assert await service.commands.publish_sync(todo(**free)) is not None


async def test_a_reference_to_an_own_object_is_still_no_attributes(service: Any) -> None:
    current_invoke.set(invoke())
    own = f"s3://bucket/ddb/local-test-todo-data/{MINE}/A1/x.json"
    with pytest.raises(BadRequestException, match="not a reference"):
        await service.commands.publish_sync(todo(attributes=own))


async def test_a_planted_reference_is_not_followed(service: Any) -> None:
    """Another service, which lets references through, has written the row."""
    s3 = service.session.client("s3")
    key = f"ddb/local-test-todo-data/{OTHERS}/A1/x.json"
    s3.put_object(Bucket="bucket", Key=key, Body=json.dumps({"secret": "canary"}).encode())
    row = {"pk": {"S": MINE}, "sk": {"S": "A1"}, "version": {"N": "1"}}
    service.put("todo-data", {**row, "attributes": {"S": f"s3://bucket/{key}"}})
    with pytest.raises(ForbiddenException) as caught:
        await service.data.get_item(pk=MINE, sk="A1")
    assert "canary" not in str(caught.value.body())
    with pytest.raises(ForbiddenException):
        await service.data.list_items_by_pk(MINE)


async def test_a_session_row_leads_to_no_command_of_another_tenant(remembering: Any) -> None:
    """The system may give ids as it likes; one that is another tenant's key leads nowhere."""
    await remembering.commands.publish_async(todo("NOTE#umbrella", "N1"))
    as_system = invoke(None)
    await remembering.commands.publish_async(todo(id="NOTE#umbrella#N1"), invoke_context=as_system)
    current_invoke.set(invoke())
    assert await listed(remembering) == []


async def nothing() -> ItemPage[str]:
    return ItemPage([], 0)


async def listed(service: Any, **options: Any) -> Any:
    repository = service.table.get(Repository)
    page = await repository.list_items(nothing, id_of=str, apply=lambda entity, item: entity.pk, **options)
    return page.items


async def test_a_session_of_another_tenant_is_not_read(remembering: Any) -> None:
    await remembering.commands.publish_async(todo(), invoke_context=invoke())
    header = {"headers": {"x-tenant-code": "acme"}}
    claims = {"authorizer": {"jwt": {"claims": {"sub": "u1"}}}}
    current_invoke.set(Invoke({**header, "requestContext": claims}, {}))
    with pytest.raises(ForbiddenException):
        await listed(remembering)
    current_invoke.set(invoke("umbrella"))
    with pytest.raises(ForbiddenException):
        await listed(remembering, invoke_context=invoke())
    assert await listed(remembering) == []
    assert await listed(remembering, invoke_context=invoke(), allow_cross_tenant=True) == [MINE]
    current_invoke.set(invoke())
    assert await listed(remembering) == [MINE]


async def test_a_typed_input_is_checked_like_a_mapping(service: Any) -> None:
    current_invoke.set(invoke())
    row = CommandInput(pk=MINE, sk="A1", tenant_code="umbrella", name="x")
    with pytest.raises(ForbiddenException):
        await service.commands.publish_async(row)
