"""Topics, queues, and the subscriptions by which messages get from the ones to the others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cqrs_nest.aws import AwsSession, QueueResource, error_code
from cqrs_nest.infrastructure.findings import Finding
from cqrs_nest.infrastructure.plan import ResourcePlan

_NO_TOPIC = {"NotFound", "NotFoundException", "InvalidParameter"}
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


async def check_topic(session: AwsSession, arn: str) -> Sequence[Finding]:
    """Whether a topic is there."""
    if await _asked(session, _NO_TOPIC, "sns", "get_topic_attributes", TopicArn=arn) is None:
        fix = f"aws sns create-topic --name {arn.rpartition(':')[2]}"
        return [Finding("topics", arn, "there is no such topic", fix)]
    return []


async def check_dead_letters(session: AwsSession, url: str) -> Sequence[Finding]:
    """Whether the queue of commands that cannot be applied is there."""
    if await _attributes(session, url) is None:
        fix = f"aws sqs create-queue --queue-name {url.rpartition('/')[2]}"
        return [Finding("queues", url, "there is no such queue", fix)]
    return []


async def check_queue(session: AwsSession, plan: ResourcePlan, queue: QueueResource) -> Sequence[Finding]:
    """Whether a queue is there, has a dead-letter queue, and gets what its module wants of the main topic."""
    is_local = plan.environment.node_env == "local"
    name = queue.name if is_local else f"{plan.prefix}{queue.name}"
    answer = await _asked(session, _NO_QUEUE, "sqs", "get_queue_url", QueueName=name)
    attributes = answer and await _attributes(session, answer["QueueUrl"])
    if answer is None or attributes is None:
        fix = f"aws sqs create-queue --queue-name {name}"
        return [Finding("queues", name, "there is no such queue", fix)]
    url, arn, topic = answer["QueueUrl"], attributes["QueueArn"], plan.environment.sns_topic_arn
    findings: list[Finding] = []
    if not is_local and "RedrivePolicy" not in attributes:
        policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{arn}-dlq", "maxReceiveCount": 5})}
        fix = f"aws sqs set-queue-attributes --queue-url {url} --attributes '{json.dumps(policy)}'"
        said = "it has no dead-letter queue: a message that cannot be handled comes again and again"
        findings.append(Finding("queues", name, said, fix))
    if topic:
        if not is_local and topic not in attributes.get("Policy", ""):
            said = "its policy does not let the main topic send to it"
            fix = f"let sns.amazonaws.com call sqs:SendMessage on {arn} where aws:SourceArn is {topic}"
            findings.append(Finding("queues", name, said, fix))
        findings += await _check_subscription(session, topic, name, arn, queue)
    return findings


async def _check_subscription(
    session: AwsSession, topic: str, name: str, arn: str, queue: QueueResource
) -> list[Finding]:
    wanted = json.dumps({"action": list(queue.actions)})
    attributes = json.dumps({"RawMessageDelivery": "true", "FilterPolicy": wanted})
    subscribe = (
        f"aws sns subscribe --topic-arn {topic} --protocol sqs --notification-endpoint {arn} "
        f"--attributes '{attributes}'"
    )
    subscription = await _subscription(session, topic, arn)
    if subscription is None:
        return [Finding("subscriptions", name, "it does not subscribe to the main topic", subscribe)]
    answer = await _asked(
        session, _NO_TOPIC, "sns", "get_subscription_attributes", SubscriptionArn=subscription
    )
    given: dict[str, str] = answer["Attributes"] if answer else {}
    change = f"aws sns set-subscription-attributes --subscription-arn {subscription}"
    return list(_subscription_findings(name, given, queue.actions, change))


def _subscription_findings(
    name: str, given: dict[str, str], actions: Sequence[str], change: str
) -> Iterator[Finding]:
    if given.get("RawMessageDelivery") != "true":
        fix = f"{change} --attribute-name RawMessageDelivery --attribute-value true"
        yield Finding("subscriptions", name, "its messages do not come raw", fix)
    policy: dict[str, Any] = json.loads(given.get("FilterPolicy") or "{}")
    passed: Sequence[str] = policy.get("action", [])
    if held_back := [action for action in actions if policy and action not in passed]:
        wanted = json.dumps({"action": sorted({*passed, *actions})})
        fix = f"{change} --attribute-name FilterPolicy --attribute-value '{wanted}'"
        said = f"its filter policy holds back the action {', '.join(held_back)}"
        yield Finding("subscriptions", name, said, fix)


async def _subscription(session: AwsSession, topic: str, endpoint: str) -> str | None:
    """The ARN of the subscription of a queue; None if there is none."""
    request: dict[str, Any] = {"TopicArn": topic}
    while True:
        answer = await _asked(session, _NO_TOPIC, "sns", "list_subscriptions_by_topic", **request)
        if answer is None:
            return None
        for each in answer["Subscriptions"]:
            if each["Endpoint"] == endpoint:
                arn: str = each["SubscriptionArn"]
                return arn
        if not answer.get("NextToken"):
            return None
        request["NextToken"] = answer["NextToken"]


async def _attributes(session: AwsSession, url: str) -> dict[str, str] | None:
    answer = await _asked(
        session, _NO_QUEUE, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )
    return answer and answer["Attributes"]


async def _asked(
    session: AwsSession, absent: set[str], service: str, operation: str, **request: Any
) -> dict[str, Any] | None:
    """An answer; None where AWS says that there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return await session.call(service, operation, **request)
    except ClientError as error:
        if error_code(error) not in absent:
            raise
        return None
