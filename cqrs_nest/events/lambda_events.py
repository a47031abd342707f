"""The events a Lambda function would get, from the answers of the polling APIs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def stream_event(records: Sequence[Mapping[str, Any]], stream_arn: str) -> dict[str, Any]:
    """The Lambda event of records read with DynamoDB Streams' `GetRecords`."""
    region = stream_arn.split(":")[3]
    return {
        "Records": [
            {
                **record,
                "awsRegion": region,
                "dynamodb": _as_json(record["dynamodb"]),
                "eventSourceARN": stream_arn,
            }
            for record in records
        ]
    }


def queue_event(messages: Sequence[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The Lambda event of messages read with SQS's `ReceiveMessage`."""
    return {"Records": [_queue_record(message, queue_arn) for message in messages]}


def _queue_record(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    attributes: Mapping[str, Mapping[str, Any]] = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {name: _message_attribute(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _message_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name[0].lower() + name[1:]: _as_json(field) for name, field in value.items()}
    return {"stringListValues": [], "binaryListValues": [], **fields}


def _as_json(answer: Any) -> Any:
    """boto3's bytes and datetimes in the form that Lambda sends: base64 text and epoch seconds."""
    return json.loads(json.dumps(answer, default=_lambda_form))


def _lambda_form(value: object) -> str | int:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return int(value.timestamp())
    raise TypeError(f"boto3 answered with a {type(value).__name__}, which has no form in an event")
