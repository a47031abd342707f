"""What each recorded operation is in Python. Other files named `operations_*.py` add theirs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, IfNotExists, Increment, ListAppend, deserialize_item
from cqrs_nest.commands import CommandService, CommandTableRegistry, DataService, HistoryService
from cqrs_nest.commands.keys import add_sort_key_version, get_sort_key_version
from cqrs_nest.context import Invoke
from cqrs_nest.core import Container
from tests.golden.recordings import UNDEFINED, Step, Texts, decode

PK = "TODO#tenant01"
"""Where the recorded application keeps its items, for a key of which only the other part is known."""
FRAMEWORK_FIELDS = (
    "ttl",
    "status",
    "syncMode",
    "source",
    "requestId",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "createdIp",
    "updatedIp",
)
"""What a publish adds to its input."""


@dataclass(frozen=True)
class Call:
    """A step on its way to the application."""

    step: Step
    container: Container
    texts: Texts
    before: Mapping[tuple[str, str, str], Mapping[str, Any]]

    @property
    def arguments(self) -> Any:
        """The recorded arguments, with `undefined` ones left out."""
        return {
            name: decode(value, self.texts)
            for name, value in self.step.recorded["args"].items()
            if value != UNDEFINED
        }

    @property
    def input(self) -> Any:
        """What is published; where it was not recorded, what the command was made of."""
        arguments = self.arguments
        if "input" in arguments:
            return arguments["input"]
        if "raw" in arguments:
            return decode(json.loads(arguments["raw"]), self.texts)
        command = self._command
        if command is None:
            return stored_input(self.step, self.before)
        given = {name: value for name, value in command.items() if name not in FRAMEWORK_FIELDS}
        return {**given, "sk": command["sk"].rpartition("@")[0], "version": command["version"] - 1}

    @property
    def options(self) -> dict[str, Any]:
        """The options of a publish as keyword arguments; without recorded ones, as the command has them."""
        options = self.step.recorded["args"].get("options")
        command = self._command if options is None else None
        if command is not None and "createdBy" in command:
            invoke = _invoke(command.get("createdBy"), command.get("createdIp"), command.get("requestId"))
            return {"source": command.get("source"), "invoke_context": invoke}
        options = options or {}
        invoke = options.get("invokeContext")
        return {
            "source": options.get("source"),
            "request_id": options.get("requestId"),
            "invoke_context": Invoke(invoke["event"], invoke.get("context", {})) if invoke else None,
        }

    @property
    def key(self) -> dict[str, str]:
        """The key in the arguments; where none was recorded, the one of the first call."""
        arguments = self.arguments.get("key", self.arguments)
        if "pk" in arguments:
            return {"pk": arguments["pk"], "sk": arguments["sk"]}
        key = self.step.calls[0]["input"]["Key"]
        ((_, pk, _), *_) = [*self.before, ("", "", "")]
        return {"pk": key["pk"]["S"] if "pk" in key else pk or PK, "sk": key["sk"]["S"]}

    @property
    def _command(self) -> dict[str, Any] | None:
        """The command as it was returned or, for a step that failed, as it was to be written."""
        result = self.step.recorded["result"]
        if isinstance(result, dict) and "version" in result:
            command: dict[str, Any] = decode(result, self.texts)
            return command
        puts = [call for call in self.step.calls if call["op"] == "PutItem"]
        rows = [call["input"]["Item"] for call in puts if call["target"].endswith("-command")]
        return deserialize_item(self.texts.filled(rows[0])) if rows else None

    def service(self, cls: type[Any]) -> Any:
        """A service of the step's table."""
        entry = self.container.get(CommandTableRegistry).table(self.step.table)
        assert entry is not None
        return entry.get(cls)


def stored_input(step: Step, before: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The stored item with other attributes: what a publish is that only its first read tells of."""
    reads = [call["input"] for call in step.calls if call["op"] == "GetItem"]
    key = reads[0]["Key"] if reads else {}
    row = before.get(
        (f"local-demo-{step.table}-data", *(key[name]["S"] for name in ("pk", "sk") if name in key))
    )
    if row is None:
        raise LookupError("neither the input was recorded nor an item or a command to tell it from")
    names = (*FRAMEWORK_FIELDS, "cpk", "csk")
    given = {name: value for name, value in deserialize_item(row).items() if name not in names}
    return {**given, "attributes": {"is": "new"}}


def _invoke(user: str | None, ip: str | None, request_id: str | None) -> Invoke:
    claims = {"jwt": {"claims": {"sub": user}}}
    event = {"requestContext": {"http": {"sourceIp": ip}, "authorizer": claims}}
    return Invoke(event, {"awsRequestId": request_id})


Operation = Callable[[Call], Awaitable[Any]]
OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Callable[[Operation], Operation]:
    """Say what a recorded operation is in Python; gives its result, or raises its error."""

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register


@operation("CommandService.publishSync")
async def publish_sync(call: Call) -> Any:
    return await call.service(CommandService).publish_sync(call.input, **call.options)


@operation("CommandService.publishAsync")
async def publish_async(call: Call) -> Any:
    return await call.service(CommandService).publish_async(call.input, **call.options)


@operation("CommandService.publishPartialUpdateAsync")
async def publish_partial_update_async(call: Call) -> Any:
    service = call.service(CommandService)
    return await service.publish_partial_update_async(call.input, **call.options)


@operation("CommandService.publishPartialUpdateSync")
async def publish_partial_update_sync(call: Call) -> Any:
    service = call.service(CommandService)
    return await service.publish_partial_update_sync(call.input, **call.options)


@operation("CommandService.duplicate")
async def duplicate(call: Call) -> Any:
    options = {name: value for name, value in call.options.items() if name != "source"}
    return await call.service(CommandService).duplicate(**call.key, **options)


@operation("CommandService.updateStatus")
async def update_status(call: Call) -> Any:
    update = call.step.calls[0]["input"]
    body = json.loads((call.step.recorded.get("sns") or [{"Body": "{}"}])[0]["Body"])
    table, key = update["TableName"], call.key
    known_ids = (None, f"{table}#{key['pk']}#{key['sk']}")
    row = call.before.get((table, key["pk"], key["sk"]), {})
    notify_id = None if body.get("id") in (*known_ids, row.get("requestId", {}).get("S")) else body["id"]
    status = update["ExpressionAttributeValues"][":status"]["S"]
    await call.service(CommandService).update_status(**key, status=status, notify_id=notify_id)
    return await _changed(call, key["sk"])


@operation("CommandService.updateTtl")
async def update_ttl(call: Call) -> Any:
    await call.service(CommandService).update_ttl(**call.key)
    sk = call.key["sk"]
    return await _changed(call, add_sort_key_version(sk, get_sort_key_version(sk) - 1))


@operation("CommandService.updateTaskToken")
async def update_task_token(call: Call) -> Any:
    token = call.step.calls[0]["input"]["ExpressionAttributeValues"][":taskToken"]["S"]
    await call.service(CommandService).update_task_token(**call.key, token=token)
    return await _changed(call, call.key["sk"])


async def _changed(call: Call, sk: str) -> Any:
    """The command that was changed, where TypeScript gives it; here it is read."""
    result = call.step.recorded["result"]
    is_given = isinstance(result, dict) and "pk" in result
    key = {"pk": call.key["pk"], "sk": sk}
    return await call.service(CommandService).get_item(**key, consistent_read=True) if is_given else None


@operation("CommandService.getNextCommand")
async def get_next_command(call: Call) -> Any:
    return await call.service(CommandService).get_next_command(**call.key)


@operation("CommandService.reSyncData")
async def re_sync_data(call: Call) -> Any:
    return await call.service(CommandService).re_sync_data()


@operation("CommandService.getItem")
async def get_command(call: Call) -> Any:
    return await call.service(CommandService).get_item(**call.key)


@operation("CommandService.getLatestItem")
async def get_latest_command(call: Call) -> Any:
    return await call.service(CommandService).get_latest_item(**call.key)


@operation("DataService.getItem")
async def get_data(call: Call) -> Any:
    return await call.service(DataService).get_item(**call.key)


@operation("DataService.listItemsByPk")
async def list_data(call: Call) -> Any:
    arguments = call.arguments
    return await call.service(DataService).list_items_by_pk(arguments["pk"], **page_options(arguments))


@operation("HistoryService.getItem")
async def get_history(call: Call) -> Any:
    return await call.service(HistoryService).get_item(**call.key)


@operation("DynamoDbService.updateItem")
async def update_item(call: Call) -> Any:
    arguments = call.arguments
    changes = arguments.get("item", arguments)
    sent = call.step.calls[-1]["input"] if call.step.calls else {}
    key = arguments.get("key") or deserialize_item(sent["Key"])
    removed = changes.get("remove", {}).items()
    return await call.container.get(DynamoDbService).update_item(
        arguments.get("table") or sent["TableName"],
        key,
        set={name: _set_value(value) for name, value in changes.get("set", {}).items()},
        remove=[name if how is True else (name, how["index"]) for name, how in removed],
        delete=changes.get("delete"),
        condition=arguments.get("conditions"),
    )


def page_options(arguments: Any) -> dict[str, Any]:
    """The options of a page as keyword arguments."""
    options = arguments.get("options") or arguments.get("opts") or {}
    names = {"limit": "limit", "order": "order", "startFromSk": "start_from_sk"}
    given = {names[name]: value for name, value in options.items() if name in names and value is not None}
    if sk := options.get("sk"):
        names_of = sk.get("skAttributeNames") or {}
        given["sk"] = Condition(sk["skExpression"], sk.get("skAttributeValues") or {}, names_of)
    return given


def _set_value(value: Any) -> Any:
    """The TypeScript framework's objects for computed values, as the markers they are in Python."""
    match value:
        case {"incrementBy": by} | {"decrementBy": by}:
            sign = 1 if "incrementBy" in value else -1
            start = value.get("ifNotExists")
            if isinstance(start, dict):
                return Increment(sign * by, start["value"], start.get("path"))
            return Increment(sign * by, start)
        case {"ifNotExists": {"path": path, "value": default}}:
            return IfNotExists(default, path)
        case {"ifNotExists": default}:
            return IfNotExists(default)
        case {"listAppend": {"path": path, "value": values}}:
            return ListAppend(values, path)
        case {"listAppend": list() as values}:
            return ListAppend(values)
        case _:
            return value
