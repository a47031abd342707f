"""What waits in a dead-letter queue is carried on; what fails again stays there."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from cqrs_nest.pipeline import DeadLetterRedrive, RedrivenMessage
from cqrs_nest.pipeline.failures import FailedCommands
from tests.pipeline.conftest import DEAD_LETTERS

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service


async def redrive(service: Service, queue_url: str = DEAD_LETTERS) -> list[RedrivenMessage]:
    return [outcome async for outcome in service.container.get(DeadLetterRedrive).run(queue_url)]


async def park(service: Service) -> None:
    """Two commands of A behind a third that failed; B has gone through."""
    await service.publish("A", "poison")
    for version in (1, 2):
        await service.publish("A", f"good {version}", version=version)
    service.projection.failing.add("poison")
    assert await service.deliver(*(service.record(f"A@{version}") for version in (1, 2, 3))) == []


async def test_a_command_is_applied_with_all_that_wait_behind_it(queued: Service) -> None:
    await park(queued)
    queued.projection.failing.clear()
    (outcome,) = await redrive(queued)
    assert (outcome.subject, outcome.error) == ("local-demo-todo-command TODO#acme A@1", None)
    assert [queued.status(f"A@{version}") for version in (1, 2, 3)] == ["finish:FINISHED"] * 3
    assert queued.projection.seen == ["A@1", "A@1", "A@2", "A@3"]
    assert queued.dead_letters() == []


async def test_one_that_fails_again_stays_and_is_not_told_again(queued: Service) -> None:
    await park(queued)
    queued.world.messages("alarm-queue")
    for _ in range(2):
        (outcome,) = await redrive(queued)
        assert "no room for poison" in str(outcome.error)
    assert len(queued.dead_letters()) == 1
    assert queued.world.messages("alarm-queue") == []


async def test_a_message_about_a_command_that_is_applied_is_done_with(queued: Service) -> None:
    await park(queued)
    (letter,) = queued.dead_letters()
    queued.projection.failing.clear()
    await redrive(queued)
    seen = list(queued.projection.seen)
    for repeated in (letter, {**letter, "sk": "A@99"}):
        queued.sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody=json.dumps(repeated))
    assert [outcome.error for outcome in await redrive(queued)] == [None, None]
    assert queued.projection.seen == seen


async def test_a_message_of_another_service_stays(queued: Service) -> None:
    letter = {"action": "dead-letter", "table": "dev-order-command", "pk": "ORDER#acme", "sk": "1@1"}
    queued.sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody=json.dumps(letter))
    (outcome,) = await redrive(queued)
    assert "No module of this application registers the table 'dev-order-command'" in str(outcome.error)
    assert len(queued.dead_letters()) == 1


@pytest.mark.beyond_ministack
async def test_messages_of_a_queue_go_to_its_handlers(queued: Service) -> None:
    sqs = queued.sqs
    dead = sqs.create_queue(QueueName="orders-dead")["QueueUrl"]
    arn = "arn:aws:sqs:ap-northeast-1:123456789012:orders-dead"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy})
    for text in ("good", "bad"):
        sqs.send_message(QueueUrl=dead, MessageBody=text)
    good, bad = await redrive(queued, dead)
    assert (good.error, str(bad.error)) == (None, "bad order")
    assert queued.orders.seen == [("orders", "good"), ("orders", "bad")]
    answer = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)
    assert [message["Body"] for message in answer["Messages"]] == ["bad"]


@pytest.mark.beyond_ministack
async def test_a_message_of_which_nobody_knows_the_queue_stays(queued: Service) -> None:
    queued.sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody="who knows")
    (outcome,) = await redrive(queued)
    assert "is the dead-letter queue of 0 queues" in str(outcome.error)
    service = queued.container.get(DeadLetterRedrive)
    assert await service.waiting(DEAD_LETTERS) == 1


@pytest.mark.beyond_ministack
async def test_a_failure_in_a_fifo_queue_holds_back_its_group_alone(queued: Service) -> None:
    sqs = queued.sqs
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    dead = sqs.create_queue(QueueName="orders-dead.fifo", Attributes=fifo)["QueueUrl"]
    arn = "arn:aws:sqs:ap-northeast-1:123456789012:orders-dead.fifo"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.create_queue(QueueName="orders.fifo", Attributes={**fifo, "RedrivePolicy": policy})
    for group, text in (("g", "good"), ("g", "bad"), ("h", "other"), ("g", "later")):
        sqs.send_message(QueueUrl=dead, MessageBody=text, MessageGroupId=group)
    outcomes = await redrive(queued, dead)
    assert [type(outcome.error).__name__ for outcome in outcomes].count("NoneType") == 2
    assert any("of the same group, failed before it" in str(outcome.error) for outcome in outcomes)
    assert sorted(text for _, text in queued.orders.seen) == ["bad", "good", "other"]
    answer = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)
    assert [message["Body"] for message in answer["Messages"]] == ["bad", "later"]


@pytest.mark.beyond_ministack
async def test_messages_that_were_not_come_to_are_given_back_at_once(queued: Service) -> None:
    for number in range(3):
        queued.sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody=f"unknown {number}")
    run = queued.container.get(DeadLetterRedrive).run(DEAD_LETTERS)
    await anext(run)
    await run.aclose()
    assert await queued.container.get(DeadLetterRedrive).waiting(DEAD_LETTERS) == 3


@pytest.mark.beyond_ministack
async def test_the_dead_letter_queue_may_be_a_fifo_queue(
    queued: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = queued.sqs.create_queue(QueueName="dead-letters.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    monkeypatch.setattr(queued.container.get(FailedCommands), "_queue_url", url)
    await park(queued)
    queued.projection.failing.clear()
    assert [outcome.error for outcome in await redrive(queued, url)] == [None]
    assert queued.status("A@3") == "finish:FINISHED"


async def test_redrive_and_live_traffic_lose_nothing(queued: Service) -> None:
    await park(queued)
    queued.projection.failing.clear()
    await queued.publish("A", "good 3", version=3)
    records = [queued.record(f"A@{version}") for version in (1, 2, 3, 4)]
    outcomes, *_ = await asyncio.gather(
        redrive(queued), *(queued.deliver(record) for record in reversed(records))
    )
    assert [outcome.error for outcome in outcomes] == [None]
    assert [queued.status(f"A@{version}") for version in (1, 2, 3, 4)] == ["finish:FINISHED"] * 4
    assert list(dict.fromkeys(queued.projection.seen)) == [f"A@{version}" for version in (1, 2, 3, 4)]
    assert queued.dead_letters() == []
