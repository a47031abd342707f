"""The recorded events of AWS, through the one door that they come in by."""

from __future__ import annotations

from typing import Any

from cqrs_nest.aws import AwsSession
from cqrs_nest.events import EventService
from tests.golden.operations import Call, operation
from tests.golden.outcomes import with_dates
from tests.golden.world import BUCKET, REGION, STATE_MACHINE, TOPIC

SMALLEST: dict[str, dict[str, Any]] = {
    "EventService.handleSnsEvent": {
        "Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": "{}", "TopicArn": TOPIC}}]
    },
    "EventService.handleS3Event": {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"}, "object": {"key": "k"}},
            }
        ]
    },
    "EventService.handleEventBridgeEvent": {
        "id": "e",
        "detail-type": "Something",
        "source": "demo",
        "account": "123456789012",
        "time": "2024-01-01T00:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {},
    },
}
"""An event of each source, for those of which nothing was recorded but how they ended."""


@operation("EventService.handleDynamoDBEvent")
async def dynamodb_event(call: Call) -> Any:
    """The executions that the records started, or which records failed: a batch answers no more."""
    client = call.container.get(AwsSession).client("stepfunctions")
    have_state_machine(client)
    before = _executions(client)
    failed = await _handle(call)
    if failed["batchItemFailures"]:
        return failed
    started = [name for name in _executions(client) if name not in before]
    return [[{"executionName": name}] for name in started]


@operation("EventService.handleStepFunctionsEvent")
@operation("EventService.handleSqsEvent")
@operation("EventService.handleSnsEvent")
@operation("EventService.handleS3Event")
@operation("EventService.handleEventBridgeEvent")
async def other_event(call: Call) -> Any:
    return await _handle(call)


async def _handle(call: Call) -> Any:
    event = _json(call.step.recorded["args"]) or SMALLEST.get(str(call.step.operation), {})
    return with_dates(await call.container.get(EventService).handle(event))


def _json(value: Any) -> Any:
    """An event as Lambda hands it over: JSON, in which dates are texts and undefined does not exist."""
    match value:
        case {"$date": text}:
            return text
        case dict():
            return {name: _json(item) for name, item in value.items() if item != {"$undefined": True}}
        case list():
            return [_json(item) for item in value]
        case _:
            return value


def have_state_machine(client: Any) -> None:
    if not client.list_state_machines()["stateMachines"]:
        client.create_state_machine(
            name="command",
            definition='{"StartAt": "check_version", "States": {"check_version": {"Type": "Succeed"}}}',
            roleArn="arn:aws:iam::123456789012:role/DummyRole",
        )


def _executions(client: Any) -> list[str]:
    return [entry["name"] for entry in client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]]
