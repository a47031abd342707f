"""Follows the messages of the main topic, through a queue that is there for as long as one looks."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from cqrs_nest.aws import AwsSession, SqsService

WAIT_SECONDS = 1


@asynccontextmanager
async def follow_topic(session: AwsSession, topic: str) -> AsyncGenerator[AsyncIterator[dict[str, Any]]]:
    """The topic's messages from now on. The queue and its subscription are deleted when the block ends."""
    url = (await session.call("sqs", "create_queue", QueueName=f"cqrs-nest-tail-{uuid4().hex[:12]}"))[
        "QueueUrl"
    ]
    subscription: str | None = None
    try:
        arn = await _admit(session, url, topic)
        answer = await session.call(
            "sns",
            "subscribe",
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )
        subscription = answer["SubscriptionArn"]
        yield _messages(SqsService(session), url)
    finally:
        if subscription is not None:
            await session.call("sns", "unsubscribe", SubscriptionArn=subscription)
        await session.call("sqs", "delete_queue", QueueUrl=url)


async def _admit(session: AwsSession, url: str, topic: str) -> str:
    """Let the topic, and nothing else, send to the queue; the queue's ARN."""
    answer = await session.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await session.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes={"Policy": policy})
    return arn


async def _messages(sqs: SqsService, url: str) -> AsyncIterator[dict[str, Any]]:
    while True:
        for message in await sqs.receive_messages(url, wait_seconds=WAIT_SECONDS):
            await sqs.delete_message(url, message["ReceiptHandle"])
            yield json.loads(message["Body"])
