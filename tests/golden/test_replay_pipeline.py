"""The recorded life of asynchronous commands, through the states of the state machine."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest

from tests.golden.conftest import golden_directory
from tests.golden.deviations import expect
from tests.golden.recordings import Scenario, scenarios
from tests.golden.replay import Observation, Replayed, replay

importlib.import_module("tests.golden.operations_pipeline")

REPLAYED = (
    "async/pipeline_create",
    "async/pipeline_handler_failure",
    "async/pipeline_redelivery",
    "async/pipeline_update",
    "async/stream_filters",
)
STACK = re.compile(r"(\\n    at .*?)+(?=\")")
MISMATCH = {"result": -1, "error": "version is not match", "cause": "next version must be 2 but got 1"}
KNOWN_HANDLERS = " The handlers of the table 'todo' are: DataSyncDdsHandler, TodoRdsHandler."
ERRORS = {
    "SyncDataHandler empty!": (
        "SyncDataHandlerNotFoundError",
        f" There is no 'NoSuchHandler'.{KNOWN_HANDLERS}",
    ),
    "SyncDataHandler not found!": ("SyncDataHandlerNotFoundError", KNOWN_HANDLERS),
    "step function state not found!": ("UnknownStateError", " There is no state 'no_such_state'."),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = scenarios(golden_directory(metafunc.config))
        chosen = [scenario for scenario in found if scenario.name in REPLAYED]
        assert chosen
        metafunc.parametrize("scenario", chosen, ids=lambda scenario: scenario.name)


async def test_a_scenario_replays(scenario: Scenario) -> None:
    async for replayed in replay(scenario):
        expected, actual = expect(replayed).observation, replayed.actual
        for deviate in DEVIATIONS:
            deviate(replayed, expected)
        where = f"{scenario.name}, step {replayed.step.label!r}"
        assert actual.result == expected.result, f"{where}: another result"
        assert actual.rows == expected.rows, f"{where}: other rows"
        assert actual.messages == expected.messages, f"{where}: other messages"
        assert _masked(actual.alarms) == _masked(expected.alarms), f"{where}: other alarms"


def _masked(alarms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**alarm, "Body": STACK.sub(r"\\n    at <STACK>", alarm["Body"])} for alarm in alarms]


def execution_names(replayed: Replayed, expected: Observation) -> None:
    """The name of an execution is the same for every delivery of its record, which starts only one.

    There it ends in the time of the delivery; other letters are replaced at random, and a long key
    makes AWS choose a name.
    """
    started = replayed.actual.result
    if replayed.step.operation != "EventService.handleDynamoDBEvent" or not isinstance(started, list):
        return
    delivered_again = '"finish:FINISHED"' in json.dumps(replayed.step.recorded["args"])
    assert len(started) == (0 if delivered_again else len(expected.result))
    for (execution,) in started:
        name = execution["executionName"]
        assert re.fullmatch(r"todo-TODO-tenant01-[0-9A-Za-z_-]+-v\d-[0-9a-f]{32}", name)
        assert len(name) <= 80
    expected.result = started


def nothing_is_ignored(replayed: Replayed, expected: Observation) -> None:
    """The change of a table that nobody handles is an error; there it is dropped in silence."""
    if replayed.step.label == "data table INSERT":
        expected.result = {"batchItemFailures": [{"itemIdentifier": "100001"}]}


def repetition_is_no_mismatch(replayed: Replayed, expected: Observation) -> None:
    """A command that is delivered again is carried on with, and nobody is alarmed."""
    if expected.result == [[MISMATCH]]:
        expected.result = [[{"result": 0}]]
        expected.alarms = []


def error_names_and_details(replayed: Replayed, expected: Observation) -> None:
    """Errors have classes of their own, and say in addition what there is instead."""
    error = expected.result.get("$error", {}) if isinstance(expected.result, dict) else {}
    text = error.get("message")
    if text not in ERRORS:
        return
    name, detail = ERRORS[text]
    error |= {"name": name, "message": text + detail}
    for alarm in expected.alarms:
        body = json.loads(alarm["Body"])
        message = body["content"]["errorMessage"]
        body["content"]["errorMessage"] = message.replace(f"Error: {text}", f"{name}: {text}{detail}")
        alarm["Body"] = json.dumps(body, separators=(",", ":"))


DEVIATIONS = (execution_names, nothing_is_ignored, repetition_is_no_mismatch, error_names_and_details)
