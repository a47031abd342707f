"""A row of a command table that is no command: told at once, and nothing waits for it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.pipeline import CommandRecovery, DeadLetterRedrive
from tests.pipeline.conftest import ARN, DEAD_LETTERS

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

WITHOUT_VERSION = {"pk": {"S": "TODO#acme"}, "sk": {"S": "A@1"}, "name": {"S": "secret"}}


def record(image: dict[str, Any], number: str = "7", name: str = "INSERT") -> dict[str, Any]:
    keys = {"pk": {"S": "TODO#acme"}, "sk": image.get("sk", {"S": "A@1"})}
    change = {"Keys": keys, "NewImage": image, "SequenceNumber": number}
    return {
        "eventID": f"event {number}",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": change,
        "eventSourceARN": ARN.format("local-demo-todo-command"),
    }


@pytest.mark.parametrize(
    ("image", "name", "defect"),
    [
        (WITHOUT_VERSION, "INSERT", "its version is missing"),
        ({**WITHOUT_VERSION, "version": {"S": "1"}}, "INSERT", "its version is a str of another form"),
        ({**WITHOUT_VERSION, "version": {"N": "1.5"}}, "INSERT", "of another form"),
        ({**WITHOUT_VERSION, "version": {"N": "0"}}, "INSERT", "must be a number from 1 on"),
        ({**WITHOUT_VERSION, "version": {"N": "2"}}, "INSERT", "its sort key must end in @2"),
        ({**WITHOUT_VERSION, "sk": {"S": "settings"}, "version": {"N": "1"}}, "INSERT", "end in @1"),
        ({**WITHOUT_VERSION, "version": {"N": "many"}}, "INSERT", "it cannot be read"),
        ({**WITHOUT_VERSION, "version": {"N": "1"}}, "UPSERT", "no change called 'UPSERT'"),
    ],
)
async def test_it_goes_to_the_dead_letter_queue_at_once(
    queued: Service, image: dict[str, Any], name: str, defect: str, caplog: pytest.LogCaptureFixture
) -> None:
    await queued.publish("B", "first")
    queued.world.messages("all-raw")
    assert await queued.deliver(record(image, name=name), queued.record("B@1")) == []
    assert queued.status("B@1") == "finish:FINISHED"
    (letter,) = queued.dead_letters()
    assert letter["table"] == "local-demo-todo-command"
    assert (letter["pk"], letter["sk"]) == ("TODO#acme", image["sk"]["S"])
    assert defect in letter["content"]["errorMessage"]
    (alarm,) = queued.world.messages("alarm-queue")
    assert defect in json.loads(alarm["Body"])["content"]["errorMessage"]
    assert defect in caplog.text
    assert "secret" not in caplog.text + json.dumps(letter)


async def test_without_a_queue_the_alarm_tells(service: Service) -> None:
    assert await service.deliver(record(WITHOUT_VERSION)) == []
    assert len(service.world.messages("alarm-queue")) == 1


async def test_it_comes_again_until_it_could_be_told(queued: Service) -> None:
    with queued.failing("SNS", "Publish", "AlarmSnsTopic"):
        assert await queued.deliver(record(WITHOUT_VERSION)) == ["7"]


async def test_it_is_applied_when_it_is_mended(queued: Service) -> None:
    queued.world.dynamodb.put_item(TableName="local-demo-todo-command", Item=WITHOUT_VERSION)
    await queued.deliver(record(WITHOUT_VERSION))
    redrive = queued.container.get(DeadLetterRedrive)
    (outcome,) = [outcome async for outcome in redrive.run(DEAD_LETTERS)]
    assert "is no command: its version is missing" in str(outcome.error)
    queued.set("A@1", version={"N": "1"}, id={"S": "TODO#acme#A"})
    (outcome,) = [outcome async for outcome in redrive.run(DEAD_LETTERS)]
    assert outcome.error is None
    assert queued.status("A@1") == "finish:FINISHED"
    assert queued.projection.seen == ["A@1"]


async def test_a_recovery_leaves_it_alone(service: Service) -> None:
    service.world.dynamodb.put_item(TableName="local-demo-todo-command", Item=WITHOUT_VERSION)
    recovery = service.container.get(CommandRecovery)
    parts, _ = await recovery.parts(["todo"])
    result = await recovery.recover(parts[0], timedelta(0))
    assert (result.scanned, result.stalled, result.failed) == (1, 0, [])


async def test_a_stream_without_images_is_named(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    keys_only = record(WITHOUT_VERSION)
    del keys_only["dynamodb"]["NewImage"]
    assert await service.deliver(keys_only) == ["7"]
    assert "StreamViewType NEW_IMAGE" in caplog.text


async def test_a_letter_without_a_key_stays_and_others_are_done(queued: Service) -> None:
    queued.sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody='{"action": "dead-letter"}')
    redrive = queued.container.get(DeadLetterRedrive)
    (outcome,) = [outcome async for outcome in redrive.run(DEAD_LETTERS)]
    assert outcome.error is not None
