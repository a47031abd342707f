"""What each recorded operation is in Python. Other files named `operations_*.py` add theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import IfNotExists, Increment, ListAppend
from cqrs_nest.commands import CommandService, CommandTableRegistry, DataService, HistoryService
from cqrs_nest.context import Invoke
from cqrs_nest.core import Container
from tests.golden.recordings import UNDEFINED, Step, Texts, decode

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
        """What is published; where it was not recorded, what the result was made of."""
        arguments = self.arguments
        return arguments["input"] if "input" in arguments else self._input_of_result()

    @property
    def options(self) -> dict[str, Any]:
        """The options of a publish as keyword arguments."""
        options = self.step.recorded["args"].get("options")
        if options is None and "createdBy" in (self.step.recorded["result"] or {}):
            return self._options_of_result()
        options = options or {}
        invoke = options.get("invokeContext")
        return {
            "source": options.get("source"),
            "request_id": options.get("requestId"),
            "invoke_context": Invoke(invoke["event"], invoke.get("context", {})) if invoke else None,
        }

    @property
    def key(self) -> dict[str, str]:
        """The key in the arguments; where none was recorded, the one of the first read."""
        arguments = self.arguments.get("key", self.arguments)
        if "pk" in arguments:
            return {"pk": arguments["pk"], "sk": arguments["sk"]}
        key = self.step.calls[0]["input"]["Key"]
        return {"pk": key["pk"]["S"], "sk": key["sk"]["S"]}

    def _input_of_result(self) -> dict[str, Any]:
        result = decode(self.step.recorded["result"], self.texts)
        given = {name: value for name, value in result.items() if name not in FRAMEWORK_FIELDS}
        return {**given, "sk": result["sk"].rpartition("@")[0], "version": result["version"] - 1}

    def _options_of_result(self) -> dict[str, Any]:
        result = self.step.recorded["result"]
        event = {
            "requestContext": {
                "http": {"sourceIp": result.get("createdIp")},
                "authorizer": {"jwt": {"claims": {"sub": result.get("createdBy")}}},
            }
        }
        return {
            "source": result.get("source"),
            "invoke_context": Invoke(event, {"awsRequestId": result.get("requestId")}),
        }

    def service(self, cls: type[Any], table: str = "todo") -> Any:
        """A table's service."""
        entry = self.container.get(CommandTableRegistry).table(table)
        assert entry is not None
        return entry.get(cls)


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


@operation("CommandService.publishSync (dup)")
async def publish_sync_dup(call: Call) -> Any:
    return await call.service(CommandService, "dup").publish_sync(call.input, **call.options)


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
    return await call.service(DataService).list_items_by_pk(call.arguments["pk"])


@operation("HistoryService.getItem")
async def get_history(call: Call) -> Any:
    return await call.service(HistoryService).get_item(**call.key)


@operation("DynamoDbService.updateItem")
async def update_item(call: Call) -> Any:
    arguments = call.arguments
    changes = arguments["item"]
    removed = changes.get("remove", {}).items()
    return await call.container.get(DynamoDbService).update_item(
        arguments["table"],
        arguments["key"],
        set={name: _set_value(value) for name, value in changes.get("set", {}).items()},
        remove=[name if how is True else (name, how["index"]) for name, how in removed],
        condition=arguments.get("conditions"),
    )


def _set_value(value: Any) -> Any:
    """The TypeScript framework's objects for computed values, as the markers they are in Python."""
    match value:
        case {"ifNotExists": start, "incrementBy": by}:
            return Increment(by, start)
        case {"incrementBy": by}:
            return Increment(by)
        case {"decrementBy": by}:
            return Increment(-by)
        case {"ifNotExists": {"path": path, "value": default}}:
            return IfNotExists(default, path)
        case {"listAppend": list() as values}:
            return ListAppend(values)
        case _:
            return value
