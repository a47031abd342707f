"""Messages in any order, and twice: each sub-task is counted once, and none begins that was cancelled."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from unittest import mock

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cqrs_nest.aws import AwsSession, SnsService
from cqrs_nest.common import BadRequestException, ConflictException
from cqrs_nest.testing import Test, TestingModule
from cqrs_nest_task import (
    CreateStepFunctionTaskDto,
    CreateTaskDto,
    TaskAttemptFailedError,
    TaskEntity,
    TaskHandler,
    TaskModule,
    TaskOptions,
    TaskRun,
    TaskService,
    TaskStatus,
)
from cqrs_nest_task.fan_out import TaskFanOut
from cqrs_nest_task.task_keys import sub_task_key
from cqrs_nest_task.task_runner import TaskRunner
from cqrs_nest_task.task_store import TaskStore
from tests.emulated_aws import emulated_aws

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUB_TASKS = 3
ATTEMPTS = 2
END = {"COMPLETED", "FAILED", "PARTIAL", "CANCELLED"}


@TaskHandler("WORK")
class Work:
    """Fails as often as its input says; what is stopped waits in the middle until it may go on."""

    runs: ClassVar[list[str]] = []
    entered: ClassVar[asyncio.Event | None] = None
    may_go_on: ClassVar[asyncio.Event | None] = None

    async def execute(self, run: TaskRun[Mapping[str, int]]) -> str:
        self.runs.append(run.task.sk)
        if self.entered is not None and self.may_go_on is not None:
            self.entered.set()
            await self.may_go_on.wait()
        if run.task.failures < run.input["fails"]:
            raise RuntimeError("not yet")
        return "done"


class Topic:
    """What was told, in the place of SNS."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        """Sort keys and statuses."""
        self.alarms: list[str] = []

    async def publish(self, message: Mapping[str, Any]) -> None:
        self.told.append((message["sk"], str(message["content"]["status"])))

    async def publish_alarm(self, message: Mapping[str, Any]) -> None:
        self.alarms.append(message["sk"])

    def ends_of(self, task: TaskEntity) -> list[str]:
        return [status for sk, status in self.told if sk == task.sk and status in END]


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with mock.patch.dict("os.environ", {"AWS_DEFAULT_REGION": "eu-west-1"}), emulated_aws():
        yield


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def application(aws: None) -> AsyncIterator[tuple[TestingModule, Topic]]:
    topic = Topic()
    options = TaskOptions(fan_out="queue", max_attempts=ATTEMPTS)
    building = Test.create_testing_module(imports=[TaskModule.register(options)], providers=[Work])
    building.override_provider(SnsService).use_value(topic)
    async with await building.compile() as module:
        await module.initialize()
        keys = (("pk", "HASH"), ("sk", "RANGE"))
        await module.get(AwsSession).call(
            "dynamodb",
            "create_table",
            TableName=module.get(TaskStore).table,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        yield module, topic


class Deliveries:
    """Delivers the messages of one task with sub-tasks."""

    def __init__(self, module: TestingModule, topic: Topic) -> None:
        self._runner = module.get(TaskRunner)
        self._fan_out = module.get(TaskFanOut)
        self.tasks = module.get(TaskService)
        self.topic = topic
        self.was_cancelled = False
        Work.runs.clear()
        topic.told.clear()
        topic.alarms.clear()

    async def begin(self, fails: Sequence[int]) -> None:
        inputs = [{"fails": each} for each in fails]
        dto = CreateStepFunctionTaskDto(tenant_code="acme", task_type="WORK", input=inputs)
        self._key = (await self.tasks.create_step_function_task(dto)).key
        await self._fan_out.start(self._key)

    async def do(self, action: str, index: int = 0, is_repeated: bool = False) -> None:
        match action:
            case "start":
                await self._fan_out.start(self._key)
            case "run":
                await self.run(index, is_repeated)
            case "settle":
                await self._runner.settle(self._key, is_repeated=is_repeated)
            case _:
                await self.cancel()

    async def run(self, index: int, is_repeated: bool = False) -> bool:
        """Whether it is done with the sub-task."""
        try:
            await self._runner.run(sub_task_key(self._key, index), is_repeated=is_repeated)
        except TaskAttemptFailedError:
            return False
        return True

    async def cancel(self) -> None:
        try:
            await self.tasks.cancel_task(self._key)
        except ConflictException:
            return
        self.was_cancelled = True

    async def bring_to_the_end(self) -> None:
        for index in range(SUB_TASKS):
            while not await self.run(index):
                pass
            await self.do("settle")

    async def found(self) -> tuple[TaskEntity, Sequence[TaskEntity]]:
        parent = await self.tasks.get_task(self._key)
        assert parent is not None
        return parent, await self.tasks.get_all_sub_task(self._key)


ACTIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(0, SUB_TASKS - 1), st.booleans()),
    st.tuples(st.just("run"), st.integers(0, SUB_TASKS - 1), st.booleans()),
    st.tuples(st.sampled_from(["settle", "start", "cancel"]), st.just(0), st.booleans()),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fails=st.lists(st.integers(0, ATTEMPTS), min_size=SUB_TASKS, max_size=SUB_TASKS),
    steps=st.lists(st.lists(ACTIONS, min_size=1, max_size=3), max_size=6),
)
async def test_in_any_order_and_twice(
    application: tuple[TestingModule, Topic],
    fails: list[int],
    steps: list[list[tuple[str, int, bool]]],
) -> None:
    deliveries = Deliveries(*application)
    await deliveries.begin(fails)
    for step in steps:
        await asyncio.gather(*(deliveries.do(*action) for action in step))
    begun = set(Work.runs)
    await deliveries.bring_to_the_end()
    parent, subs = await deliveries.found()
    statuses = Counter(sub.status for sub in subs)
    counts = parent.attributes
    assert (counts["subTaskSucceedCount"], counts["subTaskFailedCount"], counts["subTaskRunningCount"]) == (
        statuses["COMPLETED"],
        statuses["FAILED"],
        0,
    )
    topic = deliveries.topic
    for sub in subs:
        assert sub.status in END
        assert set(topic.ends_of(sub)) == {sub.status}
        assert (topic.alarms.count(sub.sk) > 0) is (sub.status == "FAILED")
    if deliveries.was_cancelled:
        assert (parent.status, topic.ends_of(parent)[0]) == ("CANCELLED", "CANCELLED")
        assert {sub.sk for sub in subs if sub.status != "CANCELLED"} <= begun
    else:
        failed = statuses["FAILED"]
        expected = "COMPLETED" if not failed else "FAILED" if failed == SUB_TASKS else "PARTIAL"
        assert (parent.status, statuses["CANCELLED"]) == (expected, 0)
    assert set(topic.ends_of(parent)) == {parent.status}


async def test_what_is_cancelled_in_the_middle_ends_by_its_handler(
    application: tuple[TestingModule, Topic], monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries = Deliveries(*application)
    await deliveries.begin([0] * SUB_TASKS)
    monkeypatch.setattr(Work, "entered", asyncio.Event())
    monkeypatch.setattr(Work, "may_go_on", asyncio.Event())
    assert Work.entered is not None
    assert Work.may_go_on is not None
    running = asyncio.create_task(deliveries.run(0))
    await Work.entered.wait()
    await deliveries.cancel()
    assert await deliveries.run(1)
    Work.may_go_on.set()
    await running
    # Another delivery of what nobody has begun, and the last one of all.
    await deliveries.bring_to_the_end()
    parent, subs = await deliveries.found()
    assert [sub.status for sub in subs] == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert Work.runs == [subs[0].sk]
    assert deliveries.topic.ends_of(parent) == ["CANCELLED"]
    assert [deliveries.topic.ends_of(sub) for sub in subs] == [["COMPLETED"], ["CANCELLED"], ["CANCELLED"]]
    assert parent.attributes["subTaskRunningCount"] == 0


async def test_who_died_before_he_told_is_spoken_for(application: tuple[TestingModule, Topic]) -> None:
    module, topic = application
    deliveries = Deliveries(module, topic)
    await deliveries.begin([ATTEMPTS, 0, 0])
    await deliveries.bring_to_the_end()
    parent, _ = await deliveries.found()
    dto = CreateTaskDto(tenant_code="acme", task_type="WORK", input={"fails": 0})
    single = await deliveries.tasks.create_task(dto)
    runner = module.get(TaskRunner)
    await runner.run(single.key)
    topic.told.clear()
    topic.alarms.clear()
    await runner.run(single.key)
    await runner.settle(parent.key)
    assert topic.told == []
    await runner.run(single.key, is_repeated=True)
    await runner.settle(parent.key, is_repeated=True)
    assert topic.told == [(single.sk, "COMPLETED"), (parent.sk, "PARTIAL")]
    assert topic.alarms == [parent.sk]


async def test_sub_tasks_and_their_counts_are_not_for_callers(
    application: tuple[TestingModule, Topic],
) -> None:
    deliveries = Deliveries(*application)
    await deliveries.begin([0] * SUB_TASKS)
    parent, subs = await deliveries.found()
    with pytest.raises(BadRequestException, match=f"with its task, which is {parent.id}"):
        await deliveries.tasks.cancel_task(subs[0].key)
    with pytest.raises(BadRequestException, match="with its task"):
        await deliveries.tasks.update_status(subs[0].key, TaskStatus.COMPLETED)
    with pytest.raises(BadRequestException, match="are their counts"):
        await deliveries.tasks.update_status(parent.key, TaskStatus.FAILED, {"error": "stop"})
    await deliveries.tasks.update_status(parent.key, TaskStatus.FAILED)
    assert await deliveries.run(0)
    parent, subs = await deliveries.found()
    assert (parent.status, subs[0].status, Work.runs) == ("FAILED", "CANCELLED", [])
