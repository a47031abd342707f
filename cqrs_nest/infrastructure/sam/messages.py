"""Topics, queues, what subscribes to what, and where messages wait that nobody could handle."""

from __future__ import annotations

from cqrs_nest.aws import QueueResource
from cqrs_nest.infrastructure.permissions import ALARM_TOPIC, DEAD_LETTERS, FAILED_INVOCATIONS, MAIN_TOPIC
from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.sam.names import Names
from cqrs_nest.infrastructure.sam.parts import Part, Section, get_att, logical_id, ref, text_parameter

FUNCTION_SECONDS = 60
"""How long an invocation may take."""
HIDDEN_SECONDS = 6 * FUNCTION_SECONDS
"""How long a message in hand is not given to others; AWS advises six times the function's time."""
DELIVERIES = 5
KEPT_SECONDS = 14 * 24 * 3600
ALARMS, MAIN = "AlarmTopic", "MainTopic"
DEAD_LETTERS_ID, FAILED_ID = logical_id(DEAD_LETTERS), logical_id(FAILED_INVOCATIONS)


def alarm_part(names: Names) -> Part:
    """The topic of alarms, those of the application and those of CloudWatch, and who reads it by mail."""
    description = "Who gets the alarms by mail; empty: nobody"
    subscription = {
        "Type": "AWS::SNS::Subscription",
        "Condition": "HasAlarmEmail",
        "Properties": {"TopicArn": ref(ALARMS), "Protocol": "email", "Endpoint": ref("AlarmEmail")},
    }
    return Part(
        {ALARMS: _topic(names.of(ALARM_TOPIC)), "AlarmSubscription": subscription},
        parameters={"AlarmEmail": text_parameter(description, "")},
        conditions={"HasAlarmEmail": {"Fn::Not": [{"Fn::Equals": [ref("AlarmEmail"), ""]}]}},
        outputs={"SnsAlarmTopicArn": {"Description": "Alarms", "Value": ref(ALARMS)}},
        variables={"SNS_ALARM_TOPIC_ARN": ref(ALARMS)},
    )


def message_part(plan: ResourcePlan, names: Names) -> Part:
    """The main topic, the queues behind it, and the dead-letter queue of commands."""
    resources: Section = {MAIN: _topic(names.of(MAIN_TOPIC)), DEAD_LETTERS_ID: _queue(names.of(DEAD_LETTERS))}
    for queue in plan.queues:
        resources |= _subscribed(queue, names)
    return Part(
        resources,
        outputs={
            "SnsTopicArn": {"Description": "Domain events and statuses", "Value": ref(MAIN)},
            "DeadLetterQueueUrl": {"Description": "For cqrs-nest redrive", "Value": ref(DEAD_LETTERS_ID)},
        },
        variables={"SNS_TOPIC_ARN": ref(MAIN), "DEAD_LETTER_QUEUE_URL": ref(DEAD_LETTERS_ID)},
        events={logical_id(queue.name, "messages"): _event_source(queue) for queue in plan.queues},
    )


def failed_invocations_part(names: Names) -> Part:
    """The queue of what Lambda could not hand over."""
    return Part({FAILED_ID: _queue(names.of(FAILED_INVOCATIONS))})


def dead_letters_id(queue: QueueResource) -> str:
    """The name in the template of the queue that takes a queue's dead letters."""
    return logical_id(queue.name, "dead-letters")


def _subscribed(queue: QueueResource, names: Names) -> Section:
    """A queue that gets its messages from the main topic, raw, with a queue for its dead letters."""
    queue_id = logical_id(queue.name)
    redrive = {"deadLetterTargetArn": get_att(dead_letters_id(queue)), "maxReceiveCount": DELIVERIES}
    subscription: Section = {
        "TopicArn": ref(MAIN),
        "Protocol": "sqs",
        "Endpoint": get_att(queue_id),
        "RawMessageDelivery": True,
    }
    if queue.actions:
        subscription["FilterPolicy"] = {"action": list(queue.actions)}
    return {
        queue_id: _queue(names.of(queue.name), VisibilityTimeout=HIDDEN_SECONDS, RedrivePolicy=redrive),
        dead_letters_id(queue): _queue(names.of(f"{queue.name}-{DEAD_LETTERS}")),
        f"{queue_id}Subscription": {
            "Type": "AWS::SNS::Subscription",
            # A subscription confirms itself, and gets messages, once the topic may write to the queue.
            "DependsOn": f"{queue_id}Policy",
            "Properties": subscription,
        },
        f"{queue_id}Policy": _filled_by_topic(queue_id),
    }


def _filled_by_topic(queue_id: str) -> Section:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": get_att(queue_id),
        "Condition": {"ArnEquals": {"aws:SourceArn": ref(MAIN)}},
    }
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [ref(queue_id)],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }


def _event_source(queue: QueueResource) -> Section:
    return {
        "Type": "SQS",
        "Properties": {
            "Queue": get_att(logical_id(queue.name)),
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
    }


def _topic(name: Section) -> Section:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


def _queue(name: Section, **more: object) -> Section:
    """A queue, encrypted with the key of SQS; it goes with the stack, with what is in it."""
    properties = {"QueueName": name, "MessageRetentionPeriod": KEPT_SECONDS, "SqsManagedSseEnabled": True}
    return {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": properties | more,
    }
