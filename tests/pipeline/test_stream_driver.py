"""Commands applied as the stream brings them: in order, in full, repeatable, nothing lost."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service


def statuses(messages: list[dict[str, Any]]) -> list[str]:
    """What a queue was told, in short."""
    bodies = [json.loads(message["Body"]) for message in messages]
    return [
        f"{body['sk']} {body['content']['status']}" if body["action"] == "command-status" else body["action"]
        for body in bodies
    ]


async def test_a_command_is_applied(service: Service) -> None:
    await service.publish("A", "first")
    service.world.messages("all-raw")
    assert await service.deliver(service.record("A@1")) == []
    assert service.status("A@1") == "finish:FINISHED"
    data = service.row("data", "A")
    assert data is not None
    assert (data["name"], data["version"], data["csk"]) == ({"S": "first"}, {"N": "1"}, {"S": "A@1"})
    assert service.row("history", "A@1") is None
    assert service.projection.seen == ["A@1"]
    assert service.projection.commands[0].name == "first"
    assert statuses(service.world.messages("all-raw")) == ["A@1 finish:FINISHED"]


async def test_an_update_keeps_history(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    assert await service.deliver(service.record("A@1"), service.record("A@2")) == []
    data, history = service.row("data", "A"), service.row("history", "A@1")
    assert data is not None
    assert history is not None
    assert (data["name"], history["name"]) == ({"S": "second"}, {"S": "first"})
    assert service.projection.seen == ["A@1", "A@2"]


async def test_a_command_costs_five_calls(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    await service.publish("A", "third", version=2)
    # The first update reads the tenant's TTL configurations too.
    await service.deliver(service.record("A@1"), service.record("A@2"))
    record = service.record("A@3")
    service.calls.clear()
    await service.deliver(record)
    assert service.calls == ["GetItem", "GetItem", "TransactWriteItems", "Publish", "UpdateItem"]


async def test_a_repeated_delivery_changes_nothing(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    records = [service.record("A@1"), service.record("A@2")]
    await service.deliver(*records)
    before = service.world.rows()
    service.world.messages("all-raw")
    assert await service.deliver(*records) == []
    assert service.world.rows() == before
    assert service.projection.seen == ["A@1", "A@2"]
    assert service.world.messages("all-raw") == []
    assert service.world.messages("alarm-queue") == []


async def test_a_failing_handler_is_reported_and_tried_again(service: Service) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    service.world.messages("all-raw")
    service.projection.failing.add("first")
    assert await service.deliver(record) == ["1001"]
    assert service.status("A@1") == "sync_data:FAILED"
    assert statuses(service.world.messages("all-raw")) == ["A@1 sync_data:FAILED"]
    (alarm,) = service.world.messages("alarm-queue")
    assert alarm["MessageAttributes"]["action"]["StringValue"] == "sfn-alarm"
    body = json.loads(alarm["Body"])
    error = body.pop("content")
    assert body == {
        "action": "sfn-alarm",
        "id": "TODO#acme#A@1",
        "table": "todo",
        "pk": "TODO#acme",
        "sk": "A@1",
        "tenantCode": "acme",
    }
    assert error["sfnId"] == "event of A@1"
    assert error["errorMessage"] == "RuntimeError: no room for first\n    at <STACK>"

    service.projection.failing.clear()
    assert await service.deliver(record) == []
    assert service.status("A@1") == "finish:FINISHED"
    assert service.projection.seen == ["A@1", "A@1"]
    assert service.row("history", "A@1") is None


async def test_a_failure_is_told_once(service: Service) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    service.projection.failing.add("first")
    await service.deliver(record)
    rows = service.world.rows()
    assert statuses(service.world.messages("all-raw"))[0] == "A@1 sync_data:FAILED"
    assert len(service.world.messages("alarm-queue")) == 1
    assert await service.deliver(record) == ["1001"]
    assert service.world.rows() == rows
    assert service.world.messages("all-raw") == []
    assert service.world.messages("alarm-queue") == []


async def test_a_failure_of_which_nobody_was_told_is_told_at_the_next_delivery(service: Service) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    service.projection.failing.add("first")
    with service.failing("SNS", "Publish", "AlarmSnsTopic"):
        await service.deliver(record)
    assert service.world.messages("alarm-queue") == []
    await service.deliver(record)
    assert len(service.world.messages("alarm-queue")) == 1


@pytest.mark.parametrize("request_id", ["the first request", None])
async def test_a_command_that_failed_before_a_synchronous_update_is_finished(
    service: Service, request_id: str | None
) -> None:
    row = {"pk": "TODO#acme", "sk": "A", "name": "first", "version": 0}
    await service.commands().publish_async(row, request_id=request_id)
    record = service.record("A@1")
    service.projection.failing.add("first")
    assert await service.deliver(record) == ["1001"]
    await service.commands().publish_sync({**row, "name": "second", "version": 1}, request_id="another")
    service.projection.failing.clear()
    for queue in ("all-raw", "alarm-queue"):
        service.world.messages(queue)
    assert await service.deliver(record) == []
    assert service.status("A@1") == "finish:FINISHED"
    assert service.projection.seen == ["A@1", "A@2", "A@1", "A@2"]
    assert statuses(service.world.messages("all-raw")) == ["A@1 finish:FINISHED"]
    assert service.world.messages("alarm-queue") == []
    data = service.row("data", "A")
    assert data is not None
    assert data["name"] == {"S": "second"}


async def test_a_failing_command_holds_back_its_item_alone(service: Service) -> None:
    for sk in ("A", "B"):
        await service.publish(sk, f"{sk} first")
        await service.publish(sk, f"{sk} second", version=1)
    service.projection.failing.add("A first")
    records = [service.record(sk) for sk in ("A@1", "B@1", "A@2", "B@2")]
    assert await service.deliver(*records) == ["1001", "1002"]
    assert service.status("B@2") == "finish:FINISHED"
    assert service.status("A@2") is None
    service.projection.failing.clear()
    assert await service.deliver(*records) == []
    assert service.status("A@2") == "finish:FINISHED"
    assert [sk for sk in service.projection.seen if sk.startswith("A")] == ["A@1", "A@1", "A@2"]
    assert [sk for sk in service.projection.seen if sk.startswith("B")] == ["B@1", "B@2"]


async def test_a_failed_write_is_reported_and_tried_again(service: Service) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    with service.failing("DynamoDB", "TransactWriteItems"):
        assert await service.deliver(record) == ["1001"]
    assert service.status("A@1") == "sync_data:FAILED"
    assert service.row("data", "A") is None
    assert service.projection.seen == []
    assert len(service.world.messages("alarm-queue")) == 1
    assert await service.deliver(record) == []
    assert service.status("A@1") == "finish:FINISHED"


async def test_what_the_stream_did_not_bring_is_read_from_the_table(service: Service) -> None:
    await service.publish("A", "first")
    for version in range(1, 5):
        await service.publish("A", f"name {version}", version=version)
    assert await service.deliver(service.record("A@5")) == []
    assert service.projection.seen == ["A@1", "A@2", "A@3", "A@4", "A@5"]
    assert {service.status(f"A@{version}") for version in range(1, 6)} == {"finish:FINISHED"}
    assert [service.row("history", f"A@{version}") is None for version in range(1, 6)] == [False] * 4 + [True]


async def test_an_earlier_command_that_fails_holds_back_the_later_one(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    await service.publish("A", "third", version=2)
    service.projection.failing.add("second")
    assert await service.deliver(service.record("A@3")) == ["1003"]
    assert service.projection.seen == ["A@1", "A@2"]
    assert (service.status("A@2"), service.status("A@3")) == ("sync_data:FAILED", None)


async def test_a_command_does_not_overtake_one_whose_handler_failed(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    service.projection.failing.add("first")
    first, second = service.record("A@1"), service.record("A@2")
    assert await service.deliver(first) == ["1001"]
    assert await service.deliver(second) == ["1002"]
    service.projection.failing.clear()
    assert await service.deliver(second) == []
    assert await service.deliver(first) == []
    assert service.projection.seen == ["A@1", "A@1", "A@1", "A@2"]
    assert [service.status("A@1"), service.status("A@2")] == ["finish:FINISHED"] * 2


async def test_a_synchronous_publish_that_failed_does_not_hold_back(service: Service) -> None:
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
    service.projection.failing.add("first")
    with pytest.raises(RuntimeError):
        await service.commands().publish_sync(row)
    await service.publish("A", "second", version=1)
    assert await service.deliver(service.record("A@2")) == []
    assert service.status("A@2") == "finish:FINISHED"


async def test_a_command_whose_predecessor_has_expired_is_applied(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    await service.publish("A", "third", version=2)
    for version in (1, 2):
        service.world.dynamodb.delete_item(
            TableName="local-demo-todo-command",
            Key={"pk": {"S": "TODO#acme"}, "sk": {"S": f"A@{version}"}},
        )
    assert await service.deliver(service.record("A@3")) == []
    assert service.projection.seen == ["A@3"]


async def test_a_command_whose_version_is_taken_raises_an_alarm_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    await service.deliver(record)
    other = service.record("A@1", requestId={"S": "another request"})
    service.world.dynamodb.put_item(TableName="local-demo-todo-command", Item=other["dynamodb"]["NewImage"])
    assert await service.deliver(other) == []
    assert service.status("A@1") == "check_version:FAILED"
    (alarm,) = service.world.messages("alarm-queue")
    assert json.loads(alarm["Body"])["content"]["errorMessage"] == {
        "result": -1,
        "error": "version is not match",
        "cause": "next version must be 2 but got 1",
    }
    assert service.projection.seen == ["A@1"]
    assert "can never be applied" in caplog.text


async def test_a_message_that_the_topic_refuses_is_sent_at_the_next_delivery(service: Service) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    service.world.messages("all-raw")
    with service.failing("SNS", "Publish"):
        assert await service.deliver(record) == ["1001"]
    assert service.status("A@1") is None
    assert await service.deliver(record) == []
    assert statuses(service.world.messages("all-raw")) == ["A@1 finish:FINISHED"]
    assert service.status("A@1") == "finish:FINISHED"


async def test_messages_that_a_publish_owes_are_sent_when_it_is_applied(service: Service) -> None:
    with service.failing("SNS", "Publish"):
        await service.publish("A", "first")
    row = service.row("command", "A@1")
    assert row is not None
    assert row["messagesOwed"] == {"BOOL": True}
    assert service.world.messages("all-raw") == []
    assert await service.deliver(service.record("A@1")) == []
    assert service.status("A@1") == "finish:FINISHED"
    assert statuses(service.world.messages("all-raw")) == ["A@1 finish:FINISHED", "domain-event"]


async def test_a_command_does_not_overtake_one_that_owes_its_messages(service: Service) -> None:
    with service.failing("SNS", "Publish"):
        await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    assert await service.deliver(service.record("A@2")) == []
    assert service.projection.seen == ["A@1", "A@2"]
    assert [service.status("A@1"), service.status("A@2")] == ["finish:FINISHED"] * 2


async def test_messages_that_a_synchronous_publish_owes_are_sent(service: Service) -> None:
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
    with service.failing("SNS", "PublishBatch"):
        await service.commands().publish_sync(row)
    record = service.record("A@1")
    assert await service.deliver(record) == []
    assert service.status("A@1") == "finish:FINISHED"
    assert statuses(service.world.messages("all-raw")) == ["A@1 finish:FINISHED", "domain-event"]


async def test_other_changes_of_a_command_table_need_nothing(service: Service) -> None:
    await service.publish("A", "first")
    rows = service.world.rows()
    changed, removed = service.record("A@1", "MODIFY"), service.record("A@1", "REMOVE")
    del removed["dynamodb"]["NewImage"]
    synchronous = service.record("A@1", syncMode={"S": "SYNC"})
    assert await service.deliver(changed, removed, synchronous) == []
    assert service.world.rows() == rows


async def test_large_attributes_arrive_in_full(service: Service) -> None:
    text = "x" * 5000
    await service.publish("A", "first", attributes={"text": text})
    record = service.record("A@1")
    assert record["dynamodb"]["NewImage"]["attributes"]["S"].startswith("s3://")
    assert await service.deliver(record) == []
    assert service.projection.commands[0].attributes == {"text": text}
    data = service.row("data", "A")
    assert data is not None
    assert data["attributes"]["S"].startswith("s3://local-bucket/ddb/local-demo-todo-data/TODO#acme/A/")


async def test_two_consumers_of_one_record_leave_the_same_rows(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    records = [service.record("A@1"), service.record("A@2")]
    results = await asyncio.gather(*(service.deliver(*records) for _ in range(4)))
    assert results == [[]] * 4
    assert service.status("A@2") == "finish:FINISHED"
    data, history = service.row("data", "A"), service.row("history", "A@1")
    assert data is not None
    assert history is not None
    assert (data["name"], history["name"]) == ({"S": "second"}, {"S": "first"})
    assert service.row("history", "A@2") is None


async def test_a_table_without_data_rows_and_with_events_from_the_stream(service: Service) -> None:
    await service.publish("N", "first", table="note")
    await service.publish("N", "second", version=1, table="note")
    assert service.world.messages("all-raw") == []
    records = [service.record(sk, table="note") for sk in ("N@1", "N@2")]
    assert await service.deliver(*records) == []
    assert service.row("data", "N", "note") is None
    assert statuses(service.world.messages("all-raw")) == [
        "N@1 finish:FINISHED",
        "N@2 finish:FINISHED",
        "domain-event",
        "domain-event",
    ]
    assert await service.deliver(*records) == []
    assert service.world.messages("all-raw") == []


async def test_a_failure_that_cannot_be_reported_keeps_its_cause(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await service.publish("A", "first")
    record = service.record("A@1")
    service.projection.failing.add("first")
    with service.failing("SNS", "Publish"), service.failing("DynamoDB", "UpdateItem"):
        assert await service.deliver(record) == ["1001"]
    assert "no room for first" in caplog.text
    assert "could not be reported" in caplog.text
