"""The stream driver leaves in one go what the state machine was recorded to leave, and tells of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.common import Module
from cqrs_nest.core import Container
from cqrs_nest.events import EventService
from cqrs_nest.pipeline import PipelineModule
from tests.golden.conftest import golden_directory
from tests.golden.recorded_app import MainModule, probe
from tests.golden.recordings import Scenario, Step, scenarios
from tests.golden.replay import RowId, Rows, application, begin_after, failing_handler
from tests.golden.rounds import Round, rounds, state_name
from tests.golden.world import STATE_MACHINE, World, environment, recorded_messages


@Module(imports=[AwsModule, PipelineModule.for_root(driver="stream"), MainModule])
class StreamModule:
    """The recorded application, its commands applied from the stream."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = [one for one in scenarios(golden_directory(metafunc.config)) if any(rounds(one))]
        metafunc.parametrize("scenario", found, ids=lambda scenario: scenario.name)


class Driven:
    """The application, its account and what it was told."""

    def __init__(self, container: Container, scenario: Scenario) -> None:
        self._events = container.get(EventService)
        self._scenario = scenario
        self.world = World(container.get(AwsSession))

    def begin(self, step: Step) -> None:
        """Have what was recorded after a step, and nothing else."""
        begin_after(step, self._scenario, self.world)
        with time_machine.travel(step.clock, tick=False):
            # A queue forgets what is older than four days.
            self.told(), self.alarmed()
        probe.reset()

    async def deliver(self, records: Iterable[dict[str, Any]]) -> list[str]:
        """Gives what has to be delivered again."""
        answer = await self._events.handle({"Records": list(records)})
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    async def run_states(self, record: dict[str, Any]) -> None:
        """Apply a command through the states of the state machine, which are compared elsewhere."""
        assert await self._state("check_version", record) in ({"result": 0}, {"result": 1})
        for name in ("set_ttl_command", "history_copy"):
            await self._state(name, record)
        for handler in await self._state("transform_data", record):
            await self._state("sync_data", record, handler)
        await self._state("finish", record)

    async def _state(self, name: str, record: dict[str, Any], input: Any = None) -> Any:
        execution = {"Id": "execution", "Name": "execution", "Input": {**record, "source": "stream"}}
        machine = {"Id": STATE_MACHINE, "Name": "command"}
        context = {"Execution": execution, "State": {"Name": name}, "StateMachine": machine}
        answer = await self._events.handle({"input": input or {}, "context": context})
        return answer[0][0]

    def told(self) -> list[dict[str, Any]]:
        return self.world.messages("all-raw")

    def alarmed(self) -> list[dict[str, Any]]:
        return self.world.messages("alarm-queue")


async def test_a_delivery_leaves_what_its_execution_left(scenario: Scenario) -> None:
    async with application(scenario, StreamModule, environment(scenario.environment)) as container:
        driven = Driven(container, scenario)
        for one in rounds(scenario):
            if one.is_ignored or one.is_repetition:
                await _assert_nothing_changes(driven, one)
            elif one.states:
                applied = await _applied_by_states(driven, one)
                driven.begin(one.delivered)
                if one.failed:
                    await _assert_fails(driven, one, one.failed, applied)
                await _assert_is_applied(driven, one, applied)
    probe.reset()


async def _assert_nothing_changes(driven: Driven, one: Round) -> None:
    driven.begin(one.delivered)
    before = driven.world.rows()
    with time_machine.travel(one.ends, tick=False):
        failed = await driven.deliver(one.records)
    # A table whose changes nobody handles is a mistake in the set-up.
    foreign = [record for record in one.records if "-command/" not in record["eventSourceARN"]]
    assert failed == [record["dynamodb"]["SequenceNumber"] for record in foreign]
    assert driven.world.rows() == before
    assert (driven.told(), driven.alarmed(), probe.calls) == ([], [], [])


async def _applied_by_states(driven: Driven, one: Round) -> Rows:
    """The rows when everything is applied: as recorded or, without an end, as the states leave them here."""
    if one.is_finished:
        return _at_once(one)
    driven.begin(one.delivered)
    with time_machine.travel(one.ends, tick=False):
        for record in _due(one):
            await driven.run_states(record)
    return driven.world.rows()


def _at_once(one: Round) -> Rows:
    """The rows after the last state, if every state had run at its time: expiry counts from then."""
    rows = dict(one.states[-1].tables)
    for before, step in pairwise([one.delivered, *one.states]):
        if state_name(step) in ("set_ttl_command", "history_copy"):
            later = int(one.ends.timestamp()) - int(step.clock.timestamp())
            for row_id, row in step.tables.items():
                if "N" in row.get("ttl", {}) and row["ttl"] != before.tables.get(row_id, {}).get("ttl"):
                    expires = str(int(row["ttl"]["N"]) + later)
                    rows[row_id] = {**rows[row_id], "ttl": {"N": expires}}
    return rows


def _due(one: Round) -> Iterator[dict[str, Any]]:
    """The records of a round, and before each those of the commands of its item that are not finished."""
    for record in one.records:
        table, pk, sk = _command_of(record)
        item, _, last = sk.rpartition("@")
        for version in range(1, int(last) + 1):
            row = one.delivered.tables.get((table, pk, f"{item}@{version}"))
            if row and "syncMode" not in row and row.get("status") != {"S": "finish:FINISHED"}:
                published = {**row, "updatedAt": row["createdAt"]}
                image = {"Keys": {"pk": row["pk"], "sk": row["sk"]}, "NewImage": published}
                yield {**record, "dynamodb": {**record["dynamodb"], **image}}


def _command_of(record: Mapping[str, Any]) -> RowId:
    keys = record["dynamodb"]["Keys"]
    return str(record["eventSourceARN"].split("/")[1]), keys["pk"]["S"], keys["sk"]["S"]


async def _assert_fails(driven: Driven, one: Round, failed: Step, applied: Rows) -> None:
    """The same status, message and alarm, and no rows but those that a custom handler comes after."""
    with ExitStack() as stack:
        stack.enter_context(time_machine.travel(failed.clock, tick=False))
        stack.enter_context(failing_handler(failed))
        stack.enter_context(driven.world.faults(failed.calls, failed.injected_message))
        assert await driven.deliver(one.records) == [
            record["dynamodb"]["SequenceNumber"] for record in one.records
        ]
        told, alarmed = driven.told(), driven.alarmed()
    written = {row_id: row for row_id, row in applied.items() if not row_id[0].endswith("-command")}
    assert driven.world.rows() == failed.tables | (written if failed.handler_error else {})
    recorded = recorded_messages(failed.recorded["sns"])
    assert told == [message for message in recorded if _says(message, ":FAILED")]
    assert [*map(_short, alarmed)] == [*map(_short, recorded_messages(failed.recorded["snsAlarm"]))]
    probe.reset()


async def _assert_is_applied(driven: Driven, one: Round, applied: Rows) -> None:
    """The same rows and objects, the last of the recorded messages, and each handler called once."""
    with time_machine.travel(one.ends, tick=False):
        assert await driven.deliver(one.records) == []
        told = driven.told()
    assert driven.world.rows() == applied
    if one.is_finished:
        recorded = recorded_messages(one.states[-1].recorded["sns"])
        assert told == [message for message in recorded if _says(message, "finish:FINISHED")]
        if one.states[-1].has_objects:
            assert driven.world.objects() == sorted(
                one.states[-1].objects, key=lambda entry: str(entry["Key"])
            )
    else:
        assert len(told) == len([*_due(one)])
    assert driven.alarmed() == []
    assert len({*map(str, probe.calls)}) == len(probe.calls)


def _says(message: Mapping[str, Any], status: str) -> bool:
    return f'{status}"' in message["Body"]


def _short(alarm: Mapping[str, Any]) -> Any:
    """An alarm without the place where the error was seen; errors of AWS name the call in addition."""
    body = json.loads(alarm["Body"])
    content = body.pop("content")
    error = content["errorMessage"].partition("\n")[0]
    return body, error.partition(":")[0], error.rpartition(": ")[2], alarm["MessageAttributes"]
