"""Events as the AWS services send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

QUEUE = "arn:aws:sqs:ap-northeast-1:123456789012:demo-notification-queue"
TABLE = "arn:aws:dynamodb:ap-northeast-1:1:table/local-demo-todo-command/stream/2024-01-01T00:00:00.000"


def _sqs(*bodies: str, queue: str = QUEUE, groups: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "AQEB",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1704067261000",
                    **({"MessageGroupId": groups[number - 1]} if groups else {}),
                },
                "messageAttributes": {"kind": {"stringValue": "raw", "dataType": "String"}},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": queue,
                "awsRegion": "ap-northeast-1",
            }
            for number, body in enumerate(bodies, 1)
        ]
    }


def _envelope(message: str) -> str:
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "e1",
            "TopicArn": "arn:aws:sns:ap-northeast-1:123456789012:main-sns",
            "Message": message,
            "Timestamp": "2024-01-01T00:00:00.000Z",
            "MessageAttributes": {"action": {"Type": "String", "Value": "command-status"}},
        }
    )


def _stream(*rows: tuple[str, str], name: str = "INSERT", arn: str = TABLE) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"e{number}",
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "ap-northeast-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1704067261,
                    "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
                    "NewImage": {
                        "pk": {"S": pk},
                        "sk": {"S": sk},
                        "n": {"N": str(number)},
                        "b": {"B": "AP8="},
                    },
                    "SequenceNumber": str(100000 + number),
                    "SizeBytes": 100,
                    "StreamViewType": "NEW_IMAGE",
                },
                "eventSourceARN": arn,
            }
            for number, (pk, sk) in enumerate(rows, 1)
        ]
    }


SNS: dict[str, Any] = {
    "Records": [
        {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:alarm-sns:uuid",
            "Sns": {
                "Type": "Notification",
                "MessageId": "s1",
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:alarm-sns",
                "Subject": "alarm",
                "Message": '{"n": 1}',
                "Timestamp": "2024-01-01T00:00:00.000Z",
                "MessageAttributes": {"action": {"Type": "String", "Value": "sfn-alarm"}},
            },
        }
    ]
}
S3: dict[str, Any] = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "2024-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": "uploads", "arn": "arn:aws:s3:::uploads"},
                "object": {"key": "in/a+b%2B%E6%97%A5.csv", "size": 1024, "eTag": "0", "sequencer": "0"},
            },
        }
    ]
}
KINESIS: dict[str, Any] = {
    "Records": [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "p1",
                "sequenceNumber": "4959",
                "data": "eyJuIjogMX0=",
                "approximateArrivalTimestamp": 1545084650.987,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": "shardId-000000000006:4959",
            "eventName": "aws:kinesis:record",
            "awsRegion": "us-east-2",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/clicks",
        }
    ]
}
EVENT_BRIDGE: dict[str, Any] = {
    "version": "0",
    "id": "53dc4d37",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2024-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/nightly"],
    "detail": {"n": 1},
}
STEP_FUNCTIONS: dict[str, Any] = {
    "input": {"result": 0},
    "taskToken": "AAAA",
    "context": {
        "Execution": {"Id": "arn:aws:states:r:1:execution:command:x", "Input": {"a": 1}, "Name": "x"},
        "State": {"EnteredTime": "2024-01-01T00:00:00Z", "Name": "check_version", "RetryCount": 0},
        "StateMachine": {"Id": "arn:aws:states:r:1:stateMachine:command", "Name": "command"},
    },
}


@pytest.fixture(scope="session")
def sqs() -> Callable[..., dict[str, Any]]:
    """Makes an SQS batch of message bodies."""
    return _sqs


@pytest.fixture(scope="session")
def envelope() -> Callable[[str], str]:
    """Wraps a message as a topic without raw delivery does."""
    return _envelope


@pytest.fixture(scope="session")
def stream() -> Callable[..., dict[str, Any]]:
    """Makes a DynamoDB stream batch of (pk, sk)."""
    return _stream


@pytest.fixture(scope="session")
def samples(
    sqs: Callable[..., dict[str, Any]], stream: Callable[..., dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """One event of every source, by the name of `EventSource`."""
    return {
        "SQS": sqs("text"),
        "DYNAMODB": stream(("A#t", "1")),
        "SNS": SNS,
        "S3": S3,
        "KINESIS": KINESIS,
        "EVENT_BRIDGE": EVENT_BRIDGE,
        "STEP_FUNCTIONS": STEP_FUNCTIONS,
    }
