"""The state machine that is shipped, executed by an interpreter of Amazon States Language."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest
import time_machine

from cqrs_nest.pipeline import command_state_machine
from tests.golden.conftest import golden_directory
from tests.golden.operations_pipeline import with_dates
from tests.golden.outcomes import normal_outcome
from tests.golden.recorded_app import probe
from tests.golden.recordings import Scenario, Step, encode, scenarios
from tests.golden.replay import begin_after
from tests.golden.rounds import rounds
from tests.golden.world import recorded_messages
from tests.pipeline.executing import Executing, executing

ARN = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/local-demo-todo-command/stream/1"


@pytest.fixture
async def application() -> AsyncIterator[Executing]:
    probe.reset()
    async with executing() as running:
        yield running
    probe.reset()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        recorded = scenarios(golden_directory(metafunc.config))
        found = [one for one in recorded if any(each.is_finished for each in rounds(one))]
        metafunc.parametrize("scenario", found, ids=lambda scenario: scenario.name)


class Recorded:
    """Runs each state at the time at which it was recorded, and keeps its answer beside the recorded one."""

    def __init__(self, application: Executing, steps: Iterable[Step]) -> None:
        self._run = application.run_state
        self._left = list(steps)
        self._one_time = asyncio.Lock()
        self.answers: list[Any] = []
        self.recorded: list[Any] = []

    async def __call__(self, event: Mapping[str, Any]) -> Any:
        step = next(step for step in self._left if _is_about(step, event))
        self._left.remove(step)
        async with self._one_time:
            with time_machine.travel(step.clock, tick=False):
                answer = await self._run(event)
        self.answers.append(encode(with_dates(answer)))
        self.recorded.append(normal_outcome(step.recorded["result"]))
        return answer


async def test_a_recorded_execution_leaves_the_same_rows_and_messages(
    application: Executing, scenario: Scenario
) -> None:
    for one in rounds(scenario):
        if not one.is_finished:
            continue
        await asyncio.to_thread(begin_after, one.delivered, scenario, application.world)
        handle, application.run_state = application.run_state, (run := Recorded(application, one.states))
        with time_machine.travel(one.delivered.clock, tick=False):
            await asyncio.to_thread(application.world.messages, "all-raw")
            await application.deliver(*one.records)
            (*_, (name, status)) = await application.ended()
            told = await asyncio.to_thread(application.world.messages, "all-raw")
        application.run_state = handle
        assert status == "SUCCEEDED", application.output(name)
        assert run.answers == run.recorded
        assert len(run.answers) == len(one.states)
        assert application.world.rows() == one.states[-1].tables
        assert told == recorded_messages(message for step in one.states for message in _messages(step))


def _messages(step: Step) -> list[dict[str, Any]]:
    return step.recorded.get("sns") or []


def _is_about(step: Step, event: Mapping[str, Any]) -> bool:
    recorded = step.recorded["args"]
    is_same_state = recorded["context"]["State"]["Name"] == event["context"]["State"]["Name"]
    if event["context"]["State"]["Name"] == "sync_data":
        return is_same_state and recorded["input"]["result"] == event["input"]["result"]
    return is_same_state


async def publish(application: Executing, name: str, version: int = 0, **more: Any) -> dict[str, Any]:
    """Publish a command of one item; gives the record that its table's stream would deliver."""
    key = {"pk": "TODO#acme", "sk": "A"}
    command = {**key, "id": "TODO#acme#A", "name": name, "version": version, **more}
    assert await application.commands().publish_async(command, request_id=f"request of {name}")
    await application.settle()
    sk = f"A@{version + 1}"
    keys = {"pk": {"S": key["pk"]}, "sk": {"S": sk}}
    answer = await asyncio.to_thread(
        application.world.dynamodb.get_item, TableName="local-demo-todo-command", Key=keys
    )
    change = {"Keys": keys, "NewImage": answer["Item"], "SequenceNumber": str(version)}
    record = {"eventID": sk, "eventName": "INSERT", "eventSource": "aws:dynamodb"}
    return {**record, "dynamodb": change, "eventSourceARN": ARN}


def status(application: Executing, sk: str) -> str:
    row = application.world.rows()["local-demo-todo-command", "TODO#acme", sk]
    return str(row["status"]["S"])


async def test_executions_of_one_item_that_start_in_the_wrong_order_end_in_the_right_one(
    application: Executing,
) -> None:
    records = [await publish(application, f"name {version}", version) for version in range(3)]
    for record in reversed(records):
        await application.deliver(record)
        await application.deliver(record)
    executions = await application.ended()
    assert [status for _, status in executions] == ["SUCCEEDED"] * 3
    assert [call["cmd"]["sk"] for call in probe.calls] == ["A@1", "A@2", "A@3"]
    assert {status(application, f"A@{version}") for version in (1, 2, 3)} == {"finish:FINISHED"}
    assert application.states.count("wait_prev_command") == 2
    assert await asyncio.to_thread(application.world.messages, "alarm-queue") == []


async def test_a_version_that_is_taken_ends_in_fail(application: Executing) -> None:
    record = await publish(application, "first")
    await application.deliver(record)
    await application.ended()
    image = record["dynamodb"]["NewImage"] | {"requestId": {"S": "another"}}
    await asyncio.to_thread(
        application.world.dynamodb.put_item, TableName="local-demo-todo-command", Item=image
    )
    record["dynamodb"]["NewImage"] = image
    await application.deliver(record)
    (*_, (name, ending)) = await application.ended()
    execution = application.output(name)
    assert ending == "FAILED"
    assert execution["error"] == "version is not match"
    assert execution["cause"] == "next version must be 2 but got 1"


async def test_a_handler_that_fails_ends_its_execution(application: Executing) -> None:
    record = await publish(application, "first")
    probe.fail = RuntimeError("rds down")
    await application.deliver(record)
    ((name, ending),) = await application.ended()
    assert ending == "FAILED"
    assert application.output(name)["error"] == "RuntimeError"
    assert json.loads(application.output(name)["cause"])["errorMessage"] == "rds down"
    (alarm,) = await asyncio.to_thread(application.world.messages, "alarm-queue")
    content = json.loads(alarm["Body"])["content"]
    assert content["errorMessage"].startswith("RuntimeError: rds down")
    assert content["sfnId"].endswith(f":execution:command:{name}")


async def test_results_of_handlers_fit_the_state_machine(application: Executing) -> None:
    record = await publish(application, "first", attributes={"text": "x" * 300_000})
    await application.deliver(record)
    ((name, ending),) = await application.ended()
    assert ending == "SUCCEEDED", application.output(name)
    data = application.world.rows()["local-demo-todo-data", "TODO#acme", "A"]
    assert data["attributes"]["S"].startswith("s3://")
    largest = max(application.answered)
    assert largest < 100_000


def test_the_definition_names_the_function() -> None:
    function = "arn:aws:lambda:eu-west-1:123456789012:function:todo"
    definition = json.loads(command_state_machine(function))
    tasks = [state for state in definition["States"].values() if state["Type"] == "Task"]
    assert {task["Parameters"]["FunctionName"] for task in tasks} == {function}
