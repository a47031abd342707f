"""The state machine that is shipped, run state by state against the application."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cqrs_nest.aws import AwsSession
from cqrs_nest.events import EventService
from tests.golden.world import STATE_MACHINE

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

DEFINITION: dict[str, Any] = json.loads(
    files("cqrs_nest.pipeline").joinpath("command_state_machine.json").read_text()
)


class Execution:
    """Runs a definition as the service would: tasks, choices, maps and task tokens."""

    def __init__(self, service: Service, record: dict[str, Any], name: str) -> None:
        self._events = service.container.get(EventService)
        self.context = {
            "Execution": {"Id": f"arn:{name}", "Input": {**record, "source": record["eventSourceARN"]}},
            "StateMachine": {"Id": STATE_MACHINE, "Name": "command"},
        }
        self.token = f"token of {name}"
        self.waits = asyncio.Event()
        self.resumed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.states: list[str] = []

    async def run(self, machine: dict[str, Any], value: Any) -> Any:
        """From `StartAt` to the end; gives the name of the last state and its output."""
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            self.states.append(name)
            following = state.get("Next")
            match state["Type"]:
                case "Task":
                    value = _output(state, await self._task(name, state, value))
                case "Map":
                    runs = [self.run(state["ItemProcessor"], item) for item in value]
                    value = [output for _, output in await asyncio.gather(*runs)]
                case "Choice":
                    choices = {rule["NumericEquals"]: rule["Next"] for rule in state["Choices"]}
                    following = choices.get(value["result"], state["Default"])
            if following is None:
                return name, value
            name = following

    async def _task(self, name: str, state: dict[str, Any], value: Any) -> Any:
        payload: dict[str, Any] = {}
        for key, path in state["Parameters"]["Payload"].items():
            sources = {
                "$": value,
                "$$": {**self.context, "State": {"Name": name}},
                "$$.Task.Token": self.token,
            }
            payload[key.removesuffix(".$")] = sources[path]
        answer = await self._events.handle(json.loads(json.dumps(payload)))
        if not state["Resource"].endswith(".waitForTaskToken"):
            return {"Payload": json.loads(json.dumps(answer))}
        self.waits.set()
        return await self.resumed


def _output(state: dict[str, Any], result: Any) -> Any:
    assert state["OutputPath"] == "$.Payload[0][0]"
    return result["Payload"][0][0]


async def test_two_executions_of_one_item_end_in_order(executions: Service) -> None:
    await executions.publish("A", "first")
    await executions.publish("A", "second", version=1)
    first = Execution(executions, executions.record("A@1"), "first")
    second = Execution(executions, executions.record("A@2"), "second")
    by_token = {first.token: first, second.token: second}

    def resume(params: dict[str, Any], **_: Any) -> Any:
        body = json.loads(params["body"])
        execution = by_token[body["taskToken"]]
        loop.call_soon_threadsafe(execution.resumed.set_result, json.loads(body["output"]))
        return type("Answer", (), {"status_code": 200}), {}

    loop = asyncio.get_running_loop()
    events = executions.container.get(AwsSession).client("stepfunctions").meta.events
    events.register("before-call.sfn.SendTaskSuccess", resume)

    waiting = asyncio.create_task(second.run(DEFINITION, second.context["Execution"]["Input"]))
    await second.waits.wait()
    assert (await first.run(DEFINITION, first.context["Execution"]["Input"]))[0] == "success"
    assert (await waiting)[0] == "success"
    assert executions.projection.seen == ["A@1", "A@2"]
    assert first.states == [
        "check_version",
        "check_version_result",
        "set_ttl_command",
        "history_copy",
        "transform_data",
        "sync_data_all",
        "sync_data",
        "sync_data",
        "finish",
        "success",
    ]
    assert second.states[2:4] == ["wait_prev_command", "set_ttl_command"]
    assert executions.status("A@2") == "finish:FINISHED"


async def test_a_version_that_is_taken_ends_in_fail(executions: Service) -> None:
    await executions.publish("A", "first")
    record = executions.record("A@1")
    await Execution(executions, record, "first").run(DEFINITION, record)
    taken = executions.record("A@1", requestId={"S": "another"}, status={"S": "check_version:STARTED"})
    executions.world.dynamodb.put_item(
        TableName="local-demo-todo-command", Item=taken["dynamodb"]["NewImage"]
    )
    name, output = await Execution(executions, taken, "again").run(DEFINITION, taken)
    fail = DEFINITION["States"]["fail"]
    assert name == "fail"
    assert (fail["ErrorPath"], fail["CausePath"]) == ("$.error", "$.cause")
    assert output["error"] == "version is not match"
    assert output["cause"] == "next version must be 2 but got 1"
