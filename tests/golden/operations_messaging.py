"""Queues, executions and sessions, when a recording calls their services itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import AwsSession, SqsService, StepFunctionService
from cqrs_nest.aws.dynamodb import deserialize_item
from cqrs_nest.commands import CommandTableRegistry, SessionService
from tests.golden.operations import Call, operation
from tests.golden.operations_pipeline import have_state_machine
from tests.golden.operations_services import argument
from tests.golden.recordings import normal_result
from tests.golden.world import STATE_MACHINE

MASKED = ("<UUID>", "<ULID>", "<TS>", "<META>")
_METADATA, _RECEIPT = "$metadata", "ReceiptHandle"


@operation("SqsService.sendMessage")
async def send_message(call: Call) -> Any:
    body, options = argument(call, "body", "messageBody", "message"), argument(call, "options", "opts") or {}
    return _answer(call, await _sqs(call).send_message(_queue(call), body, **options))


@operation("SqsService.sendMessageBatch")
async def send_message_batch(call: Call) -> Any:
    return _answer(call, await _sqs(call).send_message_batch(_queue(call), argument(call, "entries")))


@operation("SqsService.receiveMessages")
async def receive_messages(call: Call) -> Any:
    """Those that the recorded call found are put into the queue, whoever had sent them there."""
    call.container.get(AwsSession).client("sqs").purge_queue(QueueUrl=_queue(call))
    recorded = normal_result(call.step.recorded["result"]) or {}
    found = recorded if isinstance(recorded, list) else recorded.get("Messages", [])
    for message in found:
        await _sqs(call).send_message(_queue(call), message["Body"])
    options = dict(argument(call, "options", "opts") or {})
    most, wait = options.pop("MaxNumberOfMessages", 10), options.pop("WaitTimeSeconds", 0)
    messages = await _sqs(call).receive_messages(
        _queue(call), max_messages=most, wait_seconds=wait, **options
    )
    assert sorted(message["Body"] for message in messages) == sorted(message["Body"] for message in found)
    return call.step.recorded["result"]


@operation("SqsService.deleteMessage")
async def delete_message(call: Call) -> Any:
    await _sqs(call).delete_message(_queue(call), await _receipt(call))
    return call.step.recorded["result"]


@operation("SqsService.deleteMessageBatch")
async def delete_message_batch(call: Call) -> Any:
    entries = [{**entry, _RECEIPT: await _receipt(call)} for entry in argument(call, "entries")]
    return _answer(call, await _sqs(call).delete_message_batch(_queue(call), entries))


@operation("StepFunctionService.startExecution")
async def start_execution(call: Call) -> Any:
    have_state_machine(call.container.get(AwsSession).client("stepfunctions"))
    arn = argument(call, "arn", "stateMachineArn", default=STATE_MACHINE)
    service = call.container.get(StepFunctionService)
    return _answer(call, await service.start_execution(arn, argument(call, "input"), argument(call, "name")))


@operation("StepFunctionService.resumeExecution")
async def resume_execution(call: Call) -> Any:
    token = argument(call, "taskToken", "token")
    await call.container.get(StepFunctionService).resume_execution(token, argument(call, "output"))
    return call.step.recorded["result"]


@operation("SessionService.put")
async def put_session(call: Call) -> Any:
    command = {"pk": _partition(call), "id": _item_id(call), "version": argument(call, "version")}
    await _sessions(call).put(argument(call, "userId"), command)


@operation("SessionService.get")
async def get_session(call: Call) -> Any:
    """The version of a session row; TypeScript gives the row itself."""
    found = await _sessions(call).list_by_user(argument(call, "userId"), _partition(call))
    return _session_rows(call, {name: version for name, version in found.items() if name == _item_id(call)})


@operation("SessionService.listByUser")
async def list_sessions(call: Call) -> Any:
    found = await _sessions(call).list_by_user(argument(call, "userId"), _partition(call))
    return _session_rows(call, found)


def _sqs(call: Call) -> SqsService:
    return call.container.get(SqsService)


def _queue(call: Call) -> str:
    """The queue of the recorded name; it is made when it is not there."""
    name = str(argument(call, "queueUrl", "url", "QueueUrl")).rpartition("/")[2]
    url: str = call.container.get(AwsSession).client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url


async def _receipt(call: Call) -> str:
    """The receipt of a message: a recorded one means nothing to another queue."""
    await _sqs(call).send_message(_queue(call), "to be deleted")
    (message,) = await _sqs(call).receive_messages(_queue(call), max_messages=1)
    return str(message[_RECEIPT])


def _answer(call: Call, answer: Mapping[str, Any]) -> Any:
    """An answer of AWS as the recording has it: with its masks, and the metadata under the name there."""
    shown = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return _masked({**shown, _METADATA: "<META>"}, call.step.recorded["result"])


def _masked(value: Any, recorded: Any) -> Any:
    if recorded in MASKED:
        return recorded
    if isinstance(value, dict) and isinstance(recorded, dict):
        return {name: _masked(item, recorded.get(name)) for name, item in value.items() if name in recorded}
    if isinstance(value, list) and isinstance(recorded, list) and len(value) == len(recorded):
        return [_masked(*pair) for pair in zip(value, recorded, strict=True)]
    return value


def _sessions(call: Call) -> SessionService:
    name = argument(call, "moduleTableName", "tableName", "module", default=call.step.table)
    entry = call.container.get(CommandTableRegistry).table(name)
    assert entry is not None
    return entry.get(SessionService)


def _partition(call: Call) -> str:
    return str(argument(call, "pk") or f"ITEM#{argument(call, 'tenantCode', 'tenant')}")


def _item_id(call: Call) -> str:
    return str(argument(call, "itemId", "id"))


def _session_rows(call: Call, versions: Mapping[str, int]) -> Any:
    """The rows of these sessions, as the recorded result has one or several."""
    recorded = call.step.recorded["result"]
    rows = [row for (table, _, sk), row in call.before.items() if table.endswith("-session")]
    found = [
        {**deserialize_item(row), "version": versions[item]}
        for row in rows
        if (item := str(row["sk"]["S"]).partition("#")[2]) in versions
    ]
    match recorded:
        case list():
            return found
        case {"items": list()}:
            return {"items": found}
    return found[0] if found else None
