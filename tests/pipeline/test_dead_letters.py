"""A command that cannot be applied leaves the stream: it blocks its item alone, and everybody is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cqrs_nest.commands import DataService, DetailKey, NotAppliedException

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service


async def test_a_poison_command_shows_in_the_queue_the_log_and_the_alarm(
    queued: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await queued.publish("A", "first")
    queued.projection.failing.add("first")
    assert await queued.deliver(queued.record("A@1")) == []
    (letter,) = queued.dead_letters()
    error = letter.pop("content")
    assert letter == {
        "action": "dead-letter",
        "id": "TODO#acme#A@1",
        "table": "local-demo-todo-command",
        "pk": "TODO#acme",
        "sk": "A@1",
        "tenantCode": "acme",
    }
    assert error["sfnId"] == "event of A@1"
    assert error["errorMessage"].startswith("RuntimeError: no room for first\n    at ")
    (alarm,) = queued.world.messages("alarm-queue")
    assert json.loads(alarm["Body"])["action"] == "sfn-alarm"
    assert "TODO#acme A@1 is in the dead-letter queue" in caplog.text
    assert "no room for first" in caplog.text
    assert queued.status("A@1") == "sync_data:FAILED"


async def test_it_blocks_its_item_alone(queued: Service) -> None:
    for sk in ("A", "B"):
        await queued.publish(sk, f"{sk} first")
        await queued.publish(sk, f"{sk} second", version=1)
    queued.projection.failing.add("A first")
    records = [queued.record(sk) for sk in ("A@1", "B@1", "A@2", "B@2")]
    assert await queued.deliver(*records) == []
    assert [queued.status(sk) for sk in ("B@1", "B@2", "A@2")] == ["finish:FINISHED"] * 2 + [None]
    assert [letter["sk"] for letter in queued.dead_letters()] == ["A@1"]


async def test_what_waits_behind_it_is_neither_applied_nor_tried_nor_told_again(queued: Service) -> None:
    await queued.publish("A", "first")
    await queued.publish("A", "second", version=1)
    queued.projection.failing.add("first")
    first, second = queued.record("A@1"), queued.record("A@2")
    await queued.deliver(first)
    queued.projection.failing.clear()
    queued.world.messages("alarm-queue")
    rows = queued.world.rows()
    assert await queued.deliver(first, second) == []
    assert queued.projection.seen == ["A@1"]
    assert queued.world.rows() == rows
    assert len(queued.dead_letters()) == 1
    assert queued.world.messages("alarm-queue") == []


async def test_a_queue_that_does_not_answer_leaves_the_command_to_the_stream(queued: Service) -> None:
    await queued.publish("A", "first")
    queued.projection.failing.add("first")
    queued.sqs.delete_queue(QueueUrl="https://sqs.ap-northeast-1.amazonaws.com/123456789012/dead-letters")
    assert await queued.deliver(queued.record("A@1")) == ["1001"]
    assert queued.status("A@1") is None


async def test_a_service_that_is_away_leaves_the_command_to_the_stream(queued: Service) -> None:
    await queued.publish("A", "first")
    record = queued.record("A@1")
    with queued.failing("DynamoDB", "TransactWriteItems"):
        assert await queued.deliver(record) == ["1001"]
    assert queued.dead_letters() == []
    assert await queued.deliver(record) == []


async def test_a_command_whose_attributes_are_lost_is_parked_and_the_next_one_passes_over_it(
    queued: Service,
) -> None:
    await queued.publish("A", "first", attributes={"text": "x" * 5000})
    await queued.publish("B", "waits", attributes={"text": "y" * 5000})
    record = queued.record("A@1")
    uri = record["dynamodb"]["NewImage"]["attributes"]["S"]
    queued.world.delete_object(uri.removeprefix("s3://local-bucket/"))
    assert await queued.deliver(record) == []
    (letter,) = queued.dead_letters()
    error = letter["content"]["errorMessage"]
    assert f"TODO#acme A@1 are lost: there is no {uri}" in error
    assert "Publish the whole item again" in error
    assert queued.status("A@1") == "sync_data:FAILED"
    await queued.publish("A", "second", version=1)
    assert await queued.deliver(queued.record("A@2"), queued.record("B@1")) == []
    assert sorted(queued.projection.seen) == ["A@2", "B@1"]
    data = await queued.service(DataService).get_item(pk="TODO#acme", sk="A")
    assert data is not None
    assert (data.version, data.name) == (2, "second")
    assert await queued.commands().publish_sync(data.to_row() | {"name": "third"}) is not None


async def test_a_synchronous_publish_whose_handler_fails_for_good_is_parked(queued: Service) -> None:
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
    queued.projection.failing.add("first")
    with pytest.raises(RuntimeError):
        await queued.commands().publish_sync(row)
    record = queued.record("A@1")
    assert await queued.deliver(record) == []
    assert await queued.deliver(record) == []
    assert [letter["sk"] for letter in queued.dead_letters()] == ["A@1"]
    assert queued.projection.seen == ["A@1"] * 2


async def test_nobody_waits_for_a_parked_command(queued: Service) -> None:
    await queued.publish("A", "first")
    queued.projection.failing.add("first")
    await queued.deliver(queued.record("A@1"))
    with pytest.raises(NotAppliedException, match="could not be applied"):
        await queued.service(DataService).wait_for(DetailKey("TODO#acme", "A"), 1, timeout=60)


async def test_an_error_that_quotes_what_it_failed_on_still_fits_into_the_messages(queued: Service) -> None:
    name = "n" * 300_000
    await queued.publish("A", "first")
    record = queued.record("A@1", name={"S": name})
    queued.projection.failing.add(name)
    assert await queued.deliver(record) == []
    assert len(queued.dead_letters()) == len(queued.world.messages("alarm-queue")) == 1
