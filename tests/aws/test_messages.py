"""SnsService and SqsService on an emulated topic and queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cqrs_nest.aws import AwsConfigurationError, AwsSession, PublishBatchError, SnsService, SqsService
from cqrs_nest.config import Environment


@pytest.fixture
def queue(session: AwsSession) -> str:
    url: str = session.client("sqs").create_queue(QueueName="queue")["QueueUrl"]
    return url


@pytest.fixture
def topic(session: AwsSession, queue: str) -> str:
    """A topic whose messages go to the queue as they are."""
    sns, sqs = session.client("sns"), session.client("sqs")
    arn: str = sns.create_topic(Name="topic")["TopicArn"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(
        TopicArn=arn,
        Protocol="sqs",
        Endpoint=attributes["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    return arn


@pytest.fixture
def sns(session: AwsSession, environment: Environment, topic: str) -> SnsService:
    return SnsService(session, environment.model_copy(update={"sns_topic_arn": topic}))


async def test_messages_carry_their_action(sns: SnsService, session: AwsSession, queue: str) -> None:
    await sns.publish({"action": "a", "n": 1.0})
    await sns.publish_batch([{"action": "b", "n": n} for n in range(11)])
    sqs = SqsService(session)
    received: list[Mapping[str, Any]] = []
    while messages := await sqs.receive_messages(queue, MessageAttributeNames=["All"]):
        received += messages
        entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
        assert not (await sqs.delete_message_batch(queue, entries)).get("Failed")
    bodies = [json.loads(message["Body"]) for message in received]
    actions = [message["MessageAttributes"]["action"]["StringValue"] for message in received]
    assert len(bodies) == 12
    assert actions == [body["action"] for body in bodies]
    assert '{"action":"a","n":1}' in [message["Body"] for message in received]


async def test_a_batch_that_is_taken_in_part_is_an_error(sns: SnsService, session: AwsSession) -> None:
    def refuse_one(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Failed"] = [{"Id": "1", "Code": "Throttled", "SenderFault": False}]

    session.client("sns").meta.events.register("after-call.sns.PublishBatch", refuse_one)
    with pytest.raises(PublishBatchError, match="took 1 of 2: second: Throttled"):
        await sns.publish_batch([{"action": "first"}, {"action": "second"}])


async def test_a_missing_topic_is_named(session: AwsSession, environment: Environment) -> None:
    with pytest.raises(AwsConfigurationError, match="SNS_TOPIC_ARN"):
        await SnsService(session, environment).publish({"action": "a"})


async def test_a_message_is_sent_and_deleted(session: AwsSession, queue: str) -> None:
    sqs = SqsService(session)
    await sqs.send_message(queue, {"a": 1})
    (message,) = await sqs.receive_messages(queue)
    assert message["Body"] == '{"a":1}'
    await sqs.delete_message(queue, message["ReceiptHandle"])
    assert await sqs.receive_messages(queue) == []
