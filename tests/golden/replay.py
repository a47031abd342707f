"""Replaying a scenario: each step starts from the recorded state and must leave the recorded one."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import time_machine

from cqrs_nest.app.module import application_module
from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.commands import CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import Environment
from cqrs_nest.core import Container
from cqrs_nest.notifications import NotificationModule
from cqrs_nest.pipeline import PipelineModule
from tests.emulated_aws import emulated_aws
from tests.golden.appsync import REQUESTS, api_key, appsync, made_requests, recorded_requests
from tests.golden.http_steps import service_step
from tests.golden.operations import OPERATIONS, Call
from tests.golden.operations_at_once import at_once
from tests.golden.outcomes import encode_error, encode_result, normal_outcome
from tests.golden.recorded_app import MainModule, probe
from tests.golden.recordings import Scenario, Step, Texts, encode, normal_row
from tests.golden.world import World, environment, recorded_messages
from tests.notifications.conftest import LoopbackServer

RowId = tuple[str, str, str]
Rows = dict[RowId, dict[str, Any]]
HANDLER_CALLS = "handler calls"
CALLS = "calls"
"""The label of a note that says how many calls to AWS the step before it made."""
PUBLISHES = ("CommandService.publishSync", "CommandService.publishPartialUpdateSync")


@dataclass
class Observation:
    """What a step gave and left, as recorded or as replayed."""

    result: Any
    rows: Rows
    messages: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Replayed:
    """One step: the state before it, what was recorded and what came of it here."""

    step: Step
    before: Rows
    recorded: Observation
    actual: Observation


@Module(imports=[AwsModule, PipelineModule.for_root(driver="step-functions"), MainModule])
class GoldenModule:
    """The recorded application with the services that steps call directly."""


async def replay(scenario: Scenario) -> AsyncGenerator[Replayed, None]:
    """Run every step of a scenario that is an operation, and compare notes on what handlers saw."""
    with appsync(scenario) as server:
        async with aclosing(_replay(scenario, server)) as steps:
            async for replayed in steps:
                yield replayed


async def _replay(scenario: Scenario, server: LoopbackServer | None) -> AsyncGenerator[Replayed, None]:
    async with _application_with(scenario, server) as container:
        world = World(container.get(AwsSession))
        texts, previous, kept = Texts(), Rows(), list[Mapping[str, Any]]()
        probe.reset()
        for step in scenario.steps:
            if step.operation is None:
                if step.label == HANDLER_CALLS:
                    yield _handler_calls(step, scenario)
                if step.label == CALLS:
                    yield _calls(step, world.calls)
                if step.label.startswith(REQUESTS) and server is not None:
                    note = step.recorded["note"]
                    asked = Observation(made_requests(server, note), {})
                    yield Replayed(step, {}, Observation(recorded_requests(note), {}), asked)
                continue
            world.calls.clear()
            before = rows_before(step, previous, scenario)
            world.seed(
                [(row_id[0], row) for row_id, row in before.items()],
                [
                    (entry["Key"], entry["ContentType"], _body(entry, texts))
                    for entry in _objects_before(step, before, kept, texts)
                ],
            )
            actual = await _run(step, container, world, texts, before)
            if not step.has_objects:
                kept, actual.objects = actual.objects, []
            yield Replayed(step, before, recorded_observation(step, before), actual)
            previous = step.tables if step.has_tables else world.rows()


def as_recorded(scenario: Scenario) -> Iterator[Replayed]:
    """Every step of a scenario as if it had replayed exactly, without running anything."""
    previous = Rows()
    for step in scenario.steps:
        if step.operation is not None:
            before = rows_before(step, previous, scenario)
            recorded = recorded_observation(step, before)
            yield Replayed(step, before, recorded, recorded)
            previous = step.tables if step.has_tables else previous
        elif step.label == HANDLER_CALLS:
            seen = Observation(normal_outcome(step.recorded["note"]), {})
            yield Replayed(step, {}, seen, seen)


def begin_after(step: Step, scenario: Scenario, world: World) -> None:
    """Have the rows and objects that were recorded after a step, and nothing else."""
    texts = Texts()
    for other in scenario.steps:
        input = other.recorded.get("args", {}).get("input")
        if isinstance(input, dict) and isinstance(input.get("attributes"), dict):
            texts.learn(texts.json_of(input["attributes"]))
    rows = [(row_id[0], row) for row_id, row in step.tables.items()]
    world.seed(rows, [(entry["Key"], entry["ContentType"], _body(entry, texts)) for entry in step.objects])


def recorded_observation(step: Step, before: Rows) -> Observation:
    """What was recorded after a step. Where no rows were, it read only."""
    return Observation(
        normal_outcome(step.recorded["result"]),
        step.tables if step.has_tables else before,
        recorded_messages(step.recorded.get("sns")),
        recorded_messages(step.recorded.get("snsAlarm")),
        sorted(map(dict, step.objects), key=lambda entry: entry["Key"]),
    )


def rows_before(step: Step, previous: Rows, scenario: Scenario) -> Rows:
    """The state a step started from: what it left, but for the rows it wrote, which are as before.

    Recordings set up rows and clear tables between steps without saying so. What a step replaced without
    that row having been left by another one is told from what it kept of it.
    """
    step = service_step(step)
    if not step.has_tables:
        return previous or _described_rows(step, scenario)
    written = {_target(call) for call in step.calls if call["op"] in ("PutItem", "UpdateItem", "DeleteItem")}
    untouched = {row_id: row for row_id, row in step.tables.items() if row_id not in written}
    known = untouched | {row_id: previous[row_id] for row_id in written if row_id in previous}
    known = _updated_rows(step) | known
    return _replaced_rows(step) | known if step.operation in PUBLISHES else known


def _updated_rows(step: Step) -> Rows:
    """The rows that were only updated, without what the update named; one that has no more was made by it."""
    put = {_target(call) for call in step.calls if call["op"] == "PutItem"}
    found = Rows()
    for call in step.calls:
        row = step.tables.get(_target(call)) if call["op"] == "UpdateItem" else None
        if row is None or _target(call) in put:
            continue
        named = (call["input"].get("ExpressionAttributeNames") or {}).values()
        rest = {name: value for name, value in row.items() if name not in named}
        if rest.keys() - {"pk", "sk"}:
            found[_target(call)] = rest
    return found


def _replaced_rows(step: Step) -> Rows:
    """The data row that went to the history, and the command whose time to live was set."""
    found = Rows()
    for call in step.calls:
        if call["op"] != "PutItem":
            continue
        table, pk, sk = _target(call)
        row = {name: value for name, value in call["input"]["Item"].items() if name != "ttl"}
        if table.endswith("-history"):
            sk = sk.rpartition("@")[0]
            found[f"{table.removesuffix('-history')}-data", pk, sk] = {**row, "sk": {"S": sk}}
        elif table.endswith("-command") and not isinstance(call["input"].get("ConditionExpression"), str):
            found[table, pk, sk] = row
    return {row_id: normal_row(row) for row_id, row in found.items()}


def _described_rows(step: Step, scenario: Scenario) -> Rows:
    """The rows that only the scenario's description tells of."""
    if scenario.described_versions is None:
        return {}
    commands, applied = scenario.described_versions
    result = step.recorded["result"] or {}
    sk = str(step.calls[0]["input"]["Key"]["sk"]["S"])
    base = {"pk": {"S": result.get("pk", "TODO#tenant01")}}
    more = {name: {"S": result[name]} for name in ("name", "id") if name in result}
    versions = [("command", f"{sk}@{version}", version) for version in range(1, commands + 1)]
    rows = [*versions, *([("data", sk, applied)] if applied else [])]
    return {
        (f"local-demo-{step.table}-{kind}", base["pk"]["S"], key): {
            **base,
            **more,
            "sk": {"S": key},
            "version": {"N": str(version)},
        }
        for kind, key, version in rows
    }


def _target(call: Mapping[str, Any]) -> RowId:
    key = call["input"].get("Key") or call["input"]["Item"]
    return call["target"], key["pk"].get("S", ""), key["sk"].get("S", "")


def _objects_before(
    step: Step, before: Rows, kept: Iterable[Mapping[str, Any]], texts: Texts
) -> list[Mapping[str, Any]]:
    if not step.has_objects:
        return _known_objects(step, before, kept, texts)
    written = {call["input"]["Key"] for call in step.calls if call["op"] == "PutObject"}
    return [entry for entry in step.objects if entry["Key"] not in written]


def _known_objects(
    step: Step, before: Rows, kept: Iterable[Mapping[str, Any]], texts: Texts
) -> list[Mapping[str, Any]]:
    """The objects so far. What a step read from one is what the TypeScript framework had written to it."""
    known = {entry["Key"]: entry for entry in kept}
    result = step.recorded["result"]
    if isinstance(result, Mapping) and isinstance(result.get("attributes"), Mapping):
        for call in step.calls:
            if call["op"] != "GetItem" or "pk" not in call["input"].get("Key", {}):
                continue
            uri = before.get(_target(call), {}).get("attributes", {}).get("S", "")
            if uri.startswith("s3://"):
                key = uri.removeprefix("s3://").partition("/")[2]
                body = texts.json_of(result["attributes"])
                known[key] = {"Key": key, "ContentType": "application/octet-stream", "Body": body}
    return list(known.values())


def _body(entry: Mapping[str, Any], texts: Texts) -> str:
    body = entry["Body"]
    return body if isinstance(body, str) else texts.find(body["$longString"])


async def _run(step: Step, container: Container, world: World, texts: Texts, before: Rows) -> Observation:
    assert step.operation is not None
    run = OPERATIONS.get(step.operation)
    if run is None:
        raise LookupError(f"no operation is registered for {step.operation!r}")
    faults = world.faults(step.calls, step.injected_message)
    with faults, failing_handler(step), time_machine.travel(step.clock.replace(tzinfo=None), tick=False):
        call = Call(step, container, texts, before)
        try:
            with world.counted():
                result = encode_result(await (at_once(run, call, step.times) if step.times else run(call)))
        except Exception as error:  # noqa: BLE001 - compared with the recorded error
            result = encode_error(error)
        for table in container.get(CommandTableRegistry).tables:
            await table.get(PublishNotes).drain()
        messages, alarms = world.messages("all-raw"), world.messages("alarm-queue")
    for text in world.object_texts():
        texts.learn(text)
    return Observation(result, world.rows(), messages, alarms, world.objects())


def _handler_calls(step: Step, scenario: Scenario) -> Replayed:
    """What the handlers saw. Of many calls the first ones are recorded, and their number in another note."""
    recorded = normal_outcome(step.recorded["note"])
    counts = [other.recorded["note"] for other in scenario.steps if other.label == "handler call count"]
    seen = encode(probe.calls)
    if counts and len(seen) == counts[0]:
        seen = seen[: len(recorded)]
    probe.calls.clear()
    return Replayed(step, {}, Observation(recorded, {}), Observation(seen, {}))


def _calls(step: Step, made: list[str]) -> Replayed:
    """The calls of the step before: here they must not be more, although no configuration is cached yet."""
    as_few = {"as few calls": True}
    here = as_few if len(made) <= step.recorded["note"] else {"calls": made}
    return Replayed(step, {}, Observation(as_few, {}), Observation(here, {}))


@contextmanager
def failing_handler(step: Step) -> Iterator[None]:
    """Let the custom handlers fail as they did."""
    if error := step.handler_error:
        probe.fail = type(error["name"], (Exception,), {})(error["message"])
    try:
        yield
    finally:
        probe.fail = None


@asynccontextmanager
async def _application_with(scenario: Scenario, server: LoopbackServer | None) -> AsyncIterator[Container]:
    settings, root = environment(scenario.environment), DynamicModule(GoldenModule)
    if server is not None:
        given = {"appsync_endpoint": f"{server.url}/graphql", "appsync_api_key": api_key(scenario)}
        settings = settings.model_copy(update=given)
        root = DynamicModule(GoldenModule, imports=[NotificationModule])
    async with application(scenario, root, settings) as container:
        yield container


@asynccontextmanager
async def application(
    scenario: Scenario, root: type[Any] | DynamicModule, settings: Environment
) -> AsyncIterator[Container]:
    """Run an application on an account and in the time zone of a scenario."""
    with _time_zone(scenario.environment.get("TZ") or "UTC"), emulated_aws():
        container = await Container.create(application_module(root, settings))
        await container.initialize()
        try:
            yield container
        finally:
            await container.close()


@contextmanager
def _time_zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
