"""Tasks: their rows and messages, sub-tasks over the queue and the state machine, retries, cancellation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
import pytest_asyncio
import time_machine

from cqrs_nest.aws import DynamoDbService, SnsService
from cqrs_nest.commands import DetailKey
from cqrs_nest.common import ConflictException, NotFoundException
from cqrs_nest.config import Environment
from cqrs_nest.http import Dto
from cqrs_nest.testing import Test
from cqrs_nest_task import (
    CreateStepFunctionTaskDto,
    CreateTaskDto,
    TaskEntity,
    TaskHandler,
    TaskModule,
    TaskOptions,
    TaskRun,
    TaskService,
    TaskStatus,
)
from cqrs_nest_task import fan_out as fan_out_of_tasks
from tests.modules.conftest import RunningApplication, invoke_of, path_of, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = 1767323045.678
"""2026-01-02T12:04:05+09:00"""


by_queue = pytest.mark.parametrize("application", ["queue"], indirect=True, scope="module")
by_state_machine = pytest.mark.parametrize("application", ["step-functions"], indirect=True, scope="module")
"""For what is the same in both ways of handing sub-tasks out, or there is in one of them only."""


class Numbers(Dto):
    """The input of a sum."""

    left: int
    right: int


@TaskHandler("SUM", input=Numbers)
class SumHandler:
    async def execute(self, run: TaskRun[Numbers]) -> int:
        await run.report({"done": 1, "of": 2})
        return run.input.left + run.input.right


@TaskHandler("FLAKY*")
class FlakyHandler:
    """Fails as often as its input says, or for good."""

    runs: ClassVar[list[Any]] = []
    service: ClassVar[TaskService | None] = None

    async def execute(self, run: TaskRun[Any]) -> str:
        self.runs.append(run.input["id"])
        if run.input.get("cancel"):
            assert self.service is not None
            await self.service.cancel_task(DetailKey(run.task.pk, run.task.sk.rpartition("#")[0]))
            assert await run.is_cancelled()
        if run.task.failures < run.input.get("fails", 0):
            raise RuntimeError("not yet")
        return f"did {run.input['id']}"


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["queue", "step-functions"])
async def application(request: pytest.FixtureRequest) -> AsyncIterator[RunningApplication]:
    module = TaskModule.register(TaskOptions(fan_out=request.param, max_attempts=3), enable_controller=True)
    async with running(module, providers=[SumHandler, FlakyHandler]) as application:
        yield application


@pytest_asyncio.fixture(loop_scope="module")
async def shop(application: RunningApplication) -> RunningApplication:
    await application.clear()
    FlakyHandler.runs.clear()
    FlakyHandler.service = tasks_of(application)
    return application


def tasks_of(shop: RunningApplication) -> TaskService:
    return shop.runtime.app.get(TaskService)


async def ended(shop: RunningApplication, task: TaskEntity) -> TaskEntity:
    await shop.drain()
    found = await tasks_of(shop).get_task(task.key)
    assert found is not None
    return found


def sum_of(left: Any, right: Any) -> CreateTaskDto:
    return CreateTaskDto(tenant_code="acme", task_type="SUM", input={"left": left, "right": right})


def fan_out(*inputs: dict[str, Any], task_type: str = "FLAKY_COPY") -> CreateStepFunctionTaskDto:
    return CreateStepFunctionTaskDto(tenant_code="acme", task_type=task_type, input=list(inputs))


@by_queue
async def test_rows_and_messages_are_the_recorded_ones(shop: RunningApplication, tokyo: None) -> None:
    with time_machine.travel(NOON, tick=False):
        created = await tasks_of(shop).create_task(sum_of(1, 2), invoke_context=invoke_of("acme"))
    await shop.drain()
    [row] = shop.rows("tasks")
    assert row.pop("updatedAt")["S"].endswith("+09:00")
    assert row == {
        "pk": {"S": "TASK#acme"},
        "sk": {"S": f"SUM#{created.code}"},
        "id": {"S": f"TASK#acme#SUM#{created.code}"},
        "version": {"N": "0"},
        "code": {"S": created.code},
        "type": {"S": "SUM"},
        "name": {"S": "SUM"},
        "tenantCode": {"S": "acme"},
        "status": {"S": "COMPLETED"},
        "input": {"M": {"left": {"N": "1"}, "right": {"N": "2"}}},
        "attributes": {"M": {"result": {"L": [{"L": [{"N": "3"}]}]}}},
        "requestId": {"S": "request-1"},
        "createdAt": {"S": "2026-01-02T12:04:05+09:00"},
        "createdBy": {"S": "ann"},
        "createdIp": {"S": "10.0.0.9"},
        "updatedBy": {"S": "ann"},
        "updatedIp": {"S": "10.0.0.9"},
    }
    messages = await shop.messages()
    [execute] = [message for message in messages if message["action"] == "task-execute"]
    assert execute["source"] == execute["eventSourceARN"]
    assert execute["dynamodb"]["NewImage"]["status"] == {"S": "CREATED"}
    statuses = [message for message in messages if message["action"] == "task-status"]
    assert sorted(message["content"]["status"] for message in statuses)[0] == "COMPLETED"
    [completed] = [message for message in statuses if message["content"]["status"] == "COMPLETED"]
    assert completed == {
        "action": "task-status",
        "id": f"TASK#acme#SUM#{created.code}",
        "table": "local-shop-tasks",
        "pk": "TASK#acme",
        "sk": f"SUM#{created.code}",
        "tenantCode": "acme",
        "content": {"status": "COMPLETED", "attributes": {"result": [[3]]}},
    }
    progress = [message["content"] for message in statuses if "progress" in str(message)]
    assert progress == [{"status": "PROCESSING", "attributes": {"progress": {"done": 1, "of": 2}}}]


@by_queue
async def test_a_task_is_tried_again_up_to_the_limit(shop: RunningApplication) -> None:
    dto = CreateTaskDto(tenant_code="acme", task_type="FLAKY", input={"id": "a", "fails": 2})
    task = await ended(shop, await tasks_of(shop).create_task(dto))
    assert (task.status, task.failures, FlakyHandler.runs) == ("COMPLETED", 2, ["a"] * 3)
    dto = CreateTaskDto(tenant_code="acme", task_type="FLAKY", input={"id": "b", "fails": 3})
    task = await ended(shop, await tasks_of(shop).create_task(dto))
    assert (task.status, task.attributes) == ("FAILED", {"error": "RuntimeError: not yet"})
    assert FlakyHandler.runs.count("b") == 3


async def test_a_task_is_tried_at_least_once() -> None:
    with pytest.raises(ValueError, match="max_attempts=0"):
        TaskOptions(max_attempts=0)


@by_queue
async def test_what_another_attempt_would_not_mend_fails_at_once(shop: RunningApplication) -> None:
    task = await ended(shop, await tasks_of(shop).create_task(sum_of("secret", 2)))
    assert (task.status, task.attributes["error"]) == ("FAILED", "The input does not fit: left")
    dto = CreateTaskDto(tenant_code="acme", task_type="UNKNOWN", input={})
    task = await ended(shop, await tasks_of(shop).create_task(dto))
    assert task.status == "FAILED"
    assert "Nobody does tasks of the type UNKNOWN" in task.attributes["error"]


@pytest.mark.parametrize(
    ("fails", "status"), [((0, 0, 1), "COMPLETED"), ((0, 9, 0), "PARTIAL"), ((9, 9, 9), "FAILED")]
)
async def test_a_parent_says_how_its_sub_tasks_have_ended(
    shop: RunningApplication, fails: tuple[int, ...], status: str
) -> None:
    inputs = [{"id": index, "fails": each} for index, each in enumerate(fails)]
    parent = await ended(shop, await tasks_of(shop).create_step_function_task(fan_out(*inputs)))
    failed = sum(each > 3 for each in fails)
    subs = await tasks_of(shop).get_all_sub_task(parent.key)
    assert [sub.key for sub in subs] == [DetailKey(parent.pk, f"{parent.sk}#{index}") for index in range(3)]
    assert (parent.status, parent.attributes) == (
        status,
        {
            "subTaskCount": 3,
            "subTaskSucceedCount": 3 - failed,
            "subTaskFailedCount": failed,
            "subTaskRunningCount": 0,
            "subTasks": [{"pk": sub.pk, "sk": sub.sk, "status": sub.status} for sub in subs],
        },
    )
    assert subs == await tasks_of(shop).get_all_sub_task(subs[1].key)
    messages = await shop.messages()
    of_subs = [m["content"]["status"] for m in messages if m["action"] == "sub-task-status"]
    assert (of_subs.count("COMPLETED"), of_subs.count("FAILED")) == (3 - failed, failed)
    last = [m["content"] for m in messages if m["action"] == "task-status" and m["pk"] == parent.pk]
    assert [content["status"] for content in last].count(status) == 1


@by_queue
async def test_a_task_without_sub_tasks_is_done(shop: RunningApplication) -> None:
    parent = await ended(shop, await tasks_of(shop).create_step_function_task(fan_out()))
    assert (parent.status, parent.attributes["subTaskCount"]) == ("COMPLETED", 0)


@by_state_machine
async def test_what_is_too_large_for_one_execution_goes_through_several(
    shop: RunningApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out_of_tasks, "MAX_SUB_TASKS", 3)
    client = shop.runtime.session.client("stepfunctions")
    arn = shop.runtime.app.get(Environment).sfn_task_arn
    # 120,000 bytes, of which an execution takes 262,144; and more than it takes at all.
    large, too_large, small = {"id": "\u3042" * 40_000}, {"id": "\u3042" * 90_000}, {"id": 0}
    seen = {each["executionArn"] for each in client.list_executions(stateMachineArn=arn)["executions"]}
    for inputs, executions in (([large, large, small, small, small], 3), ([small, too_large, small], 1)):
        parent = await ended(shop, await tasks_of(shop).create_step_function_task(fan_out(*inputs)))
        assert (parent.status, parent.attributes["subTaskSucceedCount"]) == ("COMPLETED", len(inputs))
        arns = {each["executionArn"] for each in client.list_executions(stateMachineArn=arn)["executions"]}
        assert len(arns - seen) == executions
        for started in arns - seen:
            assert len(client.describe_execution(executionArn=started)["input"].encode()) < 262_144
        seen = arns


async def test_what_is_cancelled_does_not_begin(shop: RunningApplication) -> None:
    inputs = [{"id": index, "cancel": index == 0} for index in range(14)]
    parent = await ended(shop, await tasks_of(shop).create_step_function_task(fan_out(*inputs)))
    assert parent.status == "CANCELLED"
    statuses = [sub.status for sub in await tasks_of(shop).get_all_sub_task(parent.key)]
    assert statuses.count("CANCELLED") == 14 - len(FlakyHandler.runs) > 0
    assert statuses.count("COMPLETED") == len(FlakyHandler.runs)
    with pytest.raises(ConflictException, match="CANCELLED already"):
        await tasks_of(shop).cancel_task(parent.key)
    with pytest.raises(NotFoundException):
        await tasks_of(shop).cancel_task(DetailKey("TASK#acme", "SUM#0"))


@by_queue
async def test_the_routes(shop: RunningApplication) -> None:
    body = {"tenantCode": "acme", "taskType": "SUM", "input": {"left": 1, "right": 1}}
    created = await shop.ask("POST", "/tasks", body)
    assert (created.status_code, created.json()["status"]) == (201, "CREATED")
    fanned = await shop.ask("POST", "/tasks/step-function-task", {**body, "input": [body["input"]] * 2})
    assert fanned.status_code == 201
    await shop.drain()
    path = f"/tasks{path_of('TASK#acme', created.json()['sk'])}"
    read = await shop.ask("GET", path, roles=())
    assert (read.status_code, read.json()["attributes"]) == (200, {"result": [[2]]})
    missing = await shop.ask("GET", f"/tasks{path_of('TASK#acme', 'SUM#0')}")
    assert (missing.status_code, missing.json()["message"]) == (404, "Task not found")
    listed = (await shop.ask("GET", "/tasks/acme?type=SFN_TASK&limit=2", roles=())).json()
    assert ([item["sk"].count("#") for item in listed["items"]], listed["lastSk"]) == (
        [1, 2],
        listed["items"][1]["sk"],
    )
    wrong = await shop.ask("GET", "/tasks/acme?type=X")
    text = 'The type of task, must be either "TASK" or "SFN_TASK"'
    assert (wrong.status_code, wrong.json()["message"]) == (404, text)
    assert (await shop.ask("DELETE", path)).status_code == 409
    for change in ({"input": []}, {"taskType": "A#B"}, {"tenantCode": "a#acme"}):
        assert (await shop.ask("POST", "/tasks", {**body, **change})).status_code == 400
    assert (await shop.ask("POST", "/tasks/step-function-task", body)).status_code == 400


class FakeDynamoDb:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []

    def get_table_name(self, *_: object) -> str:
        return "tasks"

    async def put_item(self, table: str, item: dict[str, Any], condition: object) -> None:
        self.put.append(item)


async def test_it_runs_without_aws_on_overridden_providers() -> None:
    dynamodb = FakeDynamoDb()

    async def options() -> TaskOptions:
        return TaskOptions(fan_out="queue")

    building = Test.create_testing_module(imports=[TaskModule.register_async(use_factory=options)])
    building.override_provider(DynamoDbService).use_value(dynamodb)
    building.override_provider(SnsService).use_value(object())
    async with await building.compile() as module:
        await module.initialize()
        task = await module.get(TaskService).create_task(sum_of(1, 2))
    assert [row["sk"] for row in dynamodb.put] == [task.sk]
    assert task.status == TaskStatus.CREATED
