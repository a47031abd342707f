"""Commands that never will be applied do not block who publishes synchronously."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqrs_nest.commands import DetailKey, Expect, VersionConflictException

PK = "TODO#acme"
KEY = DetailKey(PK, "A1")
LARGE = {"text": "x" * 200_000}
FAILED = "sync_data:FAILED"


def todo(version: int = 0, name: str = "milk", **more: Any) -> dict[str, Any]:
    return {"pk": PK, "sk": "A1", "id": f"{PK}#A1", "name": name, "version": version, **more}


def change(service: Any, sk: str, **changes: Any) -> None:
    """Note something on a command row, as the pipeline does."""
    service.put("todo-command", service.rows("todo-command")[sk] | changes)


async def lose(service: Any, version: int) -> None:
    """Publish a command on a version, and lose its attributes."""
    await service.commands.publish_async(todo(version, "lost", attributes=LARGE))
    s3 = service.session.client("s3")
    for listed in s3.list_objects_v2(Bucket="bucket")["Contents"]:
        s3.delete_object(Bucket="bucket", Key=listed["Key"])


PUBLISHES = {
    "whole": lambda commands: commands.publish_sync(todo(1, "bread")),
    "any": lambda commands: commands.publish_sync(todo(Expect.any(), "bread")),
    "partial": lambda commands: commands.publish_partial_update_sync(todo(1, "bread")),
    "update": lambda commands: commands.update(KEY, lambda item: {"name": "bread"}, retries=0, sync=True),
}


@pytest.mark.parametrize("publish", PUBLISHES.values(), ids=PUBLISHES)
async def test_a_lost_command_is_passed_over_when_it_has_failed(service: Any, publish: Any) -> None:
    await service.commands.publish_sync(todo())
    await lose(service, 1)
    with pytest.raises(VersionConflictException):
        await publish(service.commands)
    change(service, "A1@2", status={"S": FAILED})
    published = await publish(service.commands)
    assert (published.version, published.name) == (3, "bread")
    data = await service.data.get_item(pk=PK, sk="A1")
    assert (data.version, data.name) == (3, "bread")
    assert set(service.rows("todo-history")) == {"A1@1"}
    assert (await service.commands.publish_sync(todo(3, "salt"))).version == 4


async def test_a_lost_first_command_is_passed_over(service: Any) -> None:
    await lose(service, 0)
    change(service, "A1@1", deadLettered={"BOOL": True})
    assert (await service.commands.publish_sync(todo(), request_id="r")).version == 2
    assert (await service.commands.publish_sync(todo(), request_id="r")).version == 2
    assert set(service.rows("todo-command")) == {"A1@1", "A1@2"}


async def test_a_command_that_failed_but_is_whole_is_waited_for(service: Any) -> None:
    await service.commands.publish_async(todo(attributes=LARGE))
    change(service, "A1@1", status={"S": FAILED})
    with pytest.raises(VersionConflictException):
        await service.commands.publish_sync(todo(name="bread"))
    assert service.rows("todo-data") == {}


@pytest.mark.parametrize(
    ("minutes", "mode", "passes"), [(16, "SYNC", True), (1, "SYNC", False), (16, "", False)]
)
async def test_what_another_service_left_half_way_is_passed_over_when_nobody_is_at_it(
    service: Any, minutes: int, mode: str, passes: bool
) -> None:
    await service.commands.publish_sync(todo())
    created = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds")
    row = service.rows("todo-command")["A1@1"]
    left = {"sk": {"S": "A1@2"}, "version": {"N": "2"}, "createdAt": {"S": created}}
    state = {"syncMode": {"S": mode}, "status": {"S": "publish_sync:STARTED"}}
    service.put("todo-command", row | left | state)
    if passes:
        assert (await service.commands.publish_sync(todo(1, "bread"))).version == 3
        return
    with pytest.raises(VersionConflictException):
        await service.commands.publish_sync(todo(1, "bread"))


async def test_an_item_whose_data_row_has_expired_goes_on_behind_its_commands(service: Any) -> None:
    await service.commands.publish_sync(todo())
    await service.commands.publish_sync(todo(1, "bread"))
    service.delete("todo-data", PK, "A1")
    assert (await service.commands.publish_sync(todo(Expect.new()))).version == 3
    assert set(service.rows("todo-command")) == {"A1@1", "A1@2", "A1@3"}
