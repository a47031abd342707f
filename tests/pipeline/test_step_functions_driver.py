"""The states of the state machine, and two executions of one item that meet."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.aws import AwsSession
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.events import EventModule, EventService
from cqrs_nest.pipeline import InvalidPipelineError, PipelineModule
from cqrs_nest.pipeline.executions import execution_name
from tests.golden.world import STATE_MACHINE

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service


def state(name: str, record: dict[str, Any], input: Any = None, token: str | None = None) -> dict[str, Any]:
    """What the state machine sends for one state of a command's execution."""
    return {
        "input": input or {},
        **({"taskToken": token} if token else {}),
        "context": {
            "Execution": {
                "Id": "arn:aws:states:ap-northeast-1:123456789012:execution:command:x",
                "Input": {**record, "source": record["eventSourceARN"]},
                "Name": "x",
            },
            "State": {"EnteredTime": "2024-01-01T00:00:00Z", "Name": name, "RetryCount": 0},
            "StateMachine": {"Id": STATE_MACHINE, "Name": "command"},
        },
    }


async def run(service: Service, name: str, sk: str, input: Any = None, token: str | None = None) -> Any:
    """Run one state; gives its result as `OutputPath` picks it."""
    event = state(name, service.record(sk), input, token)
    results = await service.container.get(EventService).handle(event)
    assert len(results) == len(results[0]) == 1
    return results[0][0]


async def run_to_the_end(service: Service, sk: str) -> None:
    """All states after check_version, as the state machine goes through them."""
    await run(service, "set_ttl_command", sk)
    await run(service, "history_copy", sk)
    for handler in await run(service, "transform_data", sk):
        await run(service, "sync_data", sk, handler)
    await run(service, "finish", sk)


class Resumed(list[dict[str, Any]]):
    """The executions that were told to go on."""

    def __init__(self, service: Service, error: str | None = None) -> None:
        super().__init__()
        self._error = error
        events = service.container.get(AwsSession).client("stepfunctions").meta.events
        events.register("before-call.sfn.SendTaskSuccess", self._answer)

    def _answer(self, params: dict[str, Any], **_: Any) -> Any:
        body = json.loads(params["body"])
        self.append({"token": body["taskToken"], "output": json.loads(body["output"])})
        if self._error is None:
            return type("Answer", (), {"status_code": 200}), {}
        return type("Answer", (), {"status_code": 400}), {"Error": {"Code": self._error, "Message": "no"}}


RESUMED = {"Payload": [[{"result": "resumed_by_prev_version", "prevVersion": 1}]]}


async def two_versions(service: Service) -> None:
    await service.publish("A", "first")
    await service.publish("A", "second", version=1)
    assert await run(service, "check_version", "A@1") == {"result": 0}
    assert await run(service, "check_version", "A@2") == {"result": 1}


async def test_the_earlier_execution_resumes_the_later(executions: Service) -> None:
    resumed = Resumed(executions)
    await two_versions(executions)
    assert await run(executions, "wait_prev_command", "A@2", token="T2") == {"result": {"token": "T2"}}
    assert resumed == []
    await run_to_the_end(executions, "A@1")
    assert resumed == [{"token": "T2", "output": RESUMED}]
    await run_to_the_end(executions, "A@2")
    assert executions.status("A@2") == "finish:FINISHED"
    assert executions.projection.seen == ["A@1", "A@2"]
    history = executions.row("history", "A@1")
    assert history is not None
    assert history["name"] == {"S": "first"}


async def test_a_repeated_write_leaves_a_newer_data_row(executions: Service) -> None:
    Resumed(executions)
    await two_versions(executions)
    await run_to_the_end(executions, "A@1")
    await run_to_the_end(executions, "A@2")
    rows = executions.world.rows()
    [writes_data, *_] = await run(executions, "transform_data", "A@1")
    result = await run(executions, "sync_data", "A@1", writes_data)
    assert (result["version"], result["name"]) == (2, "second")
    key = ("local-demo-todo-data", "TODO#acme", "A")
    assert executions.world.rows()[key] == rows[key]


async def test_a_command_that_a_later_one_replaced_before_its_end_is_carried_on(executions: Service) -> None:
    Resumed(executions)
    await two_versions(executions)
    await run(executions, "sync_data", "A@1", {"result": "DataSyncDdsHandler"})
    await run_to_the_end(executions, "A@2")
    executions.world.messages("alarm-queue")
    assert await run(executions, "check_version", "A@1") == {"result": 0}
    await run_to_the_end(executions, "A@1")
    assert executions.status("A@1") == "finish:FINISHED"
    assert executions.world.messages("alarm-queue") == []
    data = executions.row("data", "A")
    assert data is not None
    assert data["name"] == {"S": "second"}


async def test_an_execution_that_comes_too_late_to_wait_resumes_itself(executions: Service) -> None:
    resumed = Resumed(executions)
    await two_versions(executions)
    await run_to_the_end(executions, "A@1")
    assert resumed == []
    await run(executions, "wait_prev_command", "A@2", token="T2")
    assert resumed == [{"token": "T2", "output": RESUMED}]
    assert executions.status("A@2") == "wait_prev_command:FINISHED"


async def test_an_execution_sends_the_events_that_a_publish_owes(executions: Service) -> None:
    with executions.failing("SNS", "Publish"):
        await executions.publish("A", "first")
    await run_to_the_end(executions, "A@1")
    bodies = [message["Body"] for message in executions.world.messages("all-raw")]
    assert sum('"action":"domain-event"' in body for body in bodies) == 1
    row = executions.row("command", "A@1")
    assert row is not None
    assert "messagesOwed" not in row


@pytest.mark.parametrize("error", ["TaskDoesNotExist", "TaskTimedOut"])
async def test_nobody_waits_any_more(executions: Service, error: str) -> None:
    Resumed(executions, error)
    await two_versions(executions)
    await run_to_the_end(executions, "A@1")
    await run(executions, "wait_prev_command", "A@2", token="T2")
    assert executions.world.messages("alarm-queue") == []


async def test_a_resume_that_fails_raises_an_alarm(executions: Service) -> None:
    Resumed(executions, "AccessDeniedException")
    await two_versions(executions)
    await run(executions, "wait_prev_command", "A@2", token="T2")
    await run_to_the_end(executions, "A@1")
    await run(executions, "wait_prev_command", "A@2", token="T2")
    pushed, itself = (
        json.loads(alarm["Body"])["content"]["errorMessage"]
        for alarm in executions.world.messages("alarm-queue")
    )
    assert (pushed["push_resume_failed"], pushed["nextVersion"], pushed["nextSk"]) == (True, 2, "A@2")
    assert itself["self_resume_failed"]
    assert "AccessDenied" in itself["cause"]
    assert executions.status("A@1") == "finish:FINISHED"


async def test_an_unreadable_predecessor_raises_an_alarm(
    executions: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqrs_nest.pipeline.step_functions_driver.FIRST_PAUSE_SECONDS", 0)
    await two_versions(executions)
    with executions.failing("DynamoDB", "GetItem", "A@1"):
        assert await run(executions, "wait_prev_command", "A@2", token="T2") == {"result": {"token": "T2"}}
    (alarm,) = executions.world.messages("alarm-queue")
    assert json.loads(alarm["Body"])["content"]["errorMessage"]["self_resume_predecessor_read_failed"]


async def test_a_repeated_execution_ends_in_the_same_rows(executions: Service) -> None:
    await executions.publish("A", "first")
    assert await run(executions, "check_version", "A@1") == {"result": 0}
    await run_to_the_end(executions, "A@1")
    assert await run(executions, "check_version", "A@1") == {"result": 0}
    await run_to_the_end(executions, "A@1")
    assert executions.status("A@1") == "finish:FINISHED"
    assert executions.row("history", "A@1") is None
    assert executions.world.messages("alarm-queue") == []


async def test_a_command_that_later_ones_have_replaced_is_left_alone(executions: Service) -> None:
    await executions.publish("A", "first")
    await run_to_the_end(executions, "A@1")
    await executions.publish("A", "second", version=1)
    await run_to_the_end(executions, "A@2")
    rows = executions.world.rows()
    executions.world.messages("all-raw")
    answer = await run(executions, "check_version", "A@1")
    assert answer["result"] == -1
    assert executions.world.rows() == rows
    assert executions.world.messages("all-raw") == []
    assert executions.world.messages("alarm-queue") == []


async def test_the_results_of_handlers_become_json(executions: Service) -> None:
    await executions.publish("A", "first", attributes={"n": 1})
    data = await run(executions, "sync_data", "A@1", {"result": "DataSyncDdsHandler"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", data["createdAt"])
    assert (data["attributes"], data["version"], data["csk"]) == ({"n": 1}, 1, "A@1")
    assert await run(executions, "sync_data", "A@1", {"result": "Projection"}) == {"projected": "A@1"}


async def test_a_new_command_starts_one_execution(executions: Service) -> None:
    client = executions.container.get(AwsSession).client("stepfunctions")
    definition = json.dumps({"StartAt": "x", "States": {"x": {"Type": "Succeed"}}})
    client.create_state_machine(
        name="command", definition=definition, roleArn="arn:aws:iam::123456789012:role/DummyRole"
    )
    await executions.publish("A", "first")
    record = executions.record("A@1")
    assert await executions.deliver(record) == []
    assert await executions.deliver(record) == []
    (started,) = client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    assert started["name"].startswith("todo-TODO-acme-A-v1-")
    details = client.describe_execution(executionArn=started["executionArn"])
    assert json.loads(details["input"]) == {**record, "source": record["eventSourceARN"]}
    assert executions.projection.seen == []


async def test_a_command_whose_execution_cannot_start_is_delivered_again(executions: Service) -> None:
    await executions.publish("A", "first")
    assert await executions.deliver(executions.record("A@1")) == ["1001"]


async def test_a_record_that_the_state_machine_cannot_hold_is_named(
    executions: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await executions.publish("A", "first")
    large = executions.record("A@1", attributes={"S": "x" * 140_000})
    assert await executions.deliver(large) == ["1001"]
    assert "local-demo-todo-command A@1 has 140" in caplog.text
    assert "ATTRIBUTE_LIMIT_SIZE" in caplog.text


async def test_executions_go_on_after_a_change_of_the_driver(service: Service) -> None:
    await service.publish("A", "first")
    assert await run(service, "check_version", "A@1") == {"result": 0}
    await run_to_the_end(service, "A@1")
    assert service.status("A@1") == "finish:FINISHED"


def test_names_of_different_commands_differ() -> None:
    rows = [
        {"pk": "TODO#a", "sk": "b@1", "createdAt": "now"},
        {"pk": "TODO", "sk": "a#b@1", "createdAt": "now"},
        {"pk": "TODO#a", "sk": "b@2", "createdAt": "now"},
        {"pk": "TODO#a", "sk": "b@1", "createdAt": "later"},
        {"pk": "TODO#a", "sk": "日本@1", "createdAt": "now"},
        {"pk": "TODO#a", "sk": "x" * 900 + "@1", "createdAt": "now"},
    ]
    names = [execution_name("todo", row) for row in rows]
    assert len(set(names)) == len(rows)
    for name in names:
        assert re.fullmatch(r"[0-9A-Za-z_-]{1,80}", name)


async def test_a_missing_state_machine_is_found_at_start() -> None:
    @Module(imports=[EventModule, PipelineModule, PipelineModule.for_root(driver="step-functions")])
    class Application: ...

    settings = Environment(node_env="local", app_name="demo")
    root = DynamicModule(Application, imports=[ConfigModule.for_root(settings)])
    container = await Container.create(root)
    with pytest.raises(InvalidPipelineError, match="SFN_COMMAND_ARN"):
        await container.initialize()
