"""What comes in about tasks: stream records, messages of two queues, states of the state machine."""

from __future__ import annotations

from typing import Final

from cqrs_nest.aws.dynamodb import deserialize_item
from cqrs_nest.commands import DetailKey
from cqrs_nest.events import (
    AwsEvent,
    DynamoDbStreamEvent,
    EventFactory,
    EventHandler,
    SqsEvent,
    StepFunctionsEvent,
)
from cqrs_nest_task.fan_out import TaskFanOut
from cqrs_nest_task.statuses import TaskStatus
from cqrs_nest_task.task_keys import has_sub_tasks, is_sub_task, parent_key
from cqrs_nest_task.task_messages import TaskMessages
from cqrs_nest_task.task_runner import TaskRunner
from cqrs_nest_task.task_store import TaskStore

ACTION_QUEUE: Final = "task-action-queue"
STATUS_QUEUE: Final = "sub-task-status-queue"
STATE_MACHINE: Final = "sfn-task"


class TaskEvent(DynamoDbStreamEvent):
    """A task was created."""


class TaskQueueEvent(SqsEvent):
    """A task is to be executed."""

    @property
    def task_key(self) -> DetailKey:
        """The key of the task."""
        key = deserialize_item(self.json()["dynamodb"]["Keys"])
        return DetailKey(key["pk"], key["sk"])


class SubTaskQueueEvent(SqsEvent):
    """The status of a sub-task has changed."""

    @property
    def task_key(self) -> DetailKey:
        """The key of the sub-task."""
        message = self.json()
        return DetailKey(message["pk"], message["sk"])


class StepFunctionTaskEvent(StepFunctionsEvent):
    """A sub-task is to be executed, says the state machine."""

    @property
    def task_key(self) -> DetailKey:
        """The key of the sub-task."""
        return DetailKey(self.input["pk"], self.input["sk"])


@EventFactory()
class TaskEventFactory:
    """Recognises what concerns tasks. Queues and state machines by the end or a part of their names."""

    def __init__(self, store: TaskStore, fan_out: TaskFanOut) -> None:
        self._table = store.table
        self._fan_out = fan_out

    def transform_dynamodb_stream(self, record: DynamoDbStreamEvent) -> list[AwsEvent] | None:
        """New tasks; sub-tasks too where the queue hands them out. Nothing for other changes."""
        if record.table_name != self._table:
            return None
        key = DetailKey(record.keys["pk"], record.keys["sk"])
        is_new = record.event_name == "INSERT" and (self._fan_out.is_by_queue or not is_sub_task(key))
        return [TaskEvent(record.record)] if is_new else []

    def transform_sqs(self, record: SqsEvent) -> list[AwsEvent] | None:
        """Messages of the two queues."""
        if record.queue_name.endswith(ACTION_QUEUE):
            return [TaskQueueEvent(record.record)]
        return [SubTaskQueueEvent(record.record)] if record.queue_name.endswith(STATUS_QUEUE) else None

    def transform_step_function(self, record: StepFunctionsEvent) -> list[AwsEvent] | None:
        """Elements of the state machine's map."""
        return [StepFunctionTaskEvent(record.record)] if STATE_MACHINE in record.state_machine_name else None


@EventHandler(TaskEvent)
class TaskEventHandler:
    """Asks for the execution of a new task."""

    def __init__(self, store: TaskStore, messages: TaskMessages) -> None:
        self._store = store
        self._messages = messages

    async def execute(self, event: TaskEvent) -> None:
        """Send the message, then note it, unless the task has begun meanwhile."""
        key = DetailKey(event.keys["pk"], event.keys["sk"])
        await self._messages.execute(event.record, event.source)
        if await self._store.move(key, TaskStatus.QUEUED, before=(TaskStatus.CREATED,)):
            await self._messages.status(key, TaskStatus.QUEUED, None)


@EventHandler(TaskQueueEvent)
class TaskQueueEventHandler:
    """Does a task, or hands out its sub-tasks."""

    def __init__(self, runner: TaskRunner, fan_out: TaskFanOut) -> None:
        self._runner = runner
        self._fan_out = fan_out

    async def execute(self, event: TaskQueueEvent) -> None:
        """Raises TaskAttemptFailedError when the message has to come again."""
        key = event.task_key
        if has_sub_tasks(key):
            await self._fan_out.start(key)
        else:
            await self._runner.run(key, is_repeated=event.receive_count > 1)


@EventHandler(StepFunctionTaskEvent)
class StepFunctionTaskEventHandler:
    """Does a sub-task, to its end: a state machine that is deployed already does not try again."""

    def __init__(self, runner: TaskRunner) -> None:
        self._runner = runner

    async def execute(self, event: StepFunctionTaskEvent) -> None:
        """Failures are the sub-task's, not the execution's."""
        await self._runner.run_to_the_end(event.task_key)


@EventHandler(SubTaskQueueEvent)
class SubTaskQueueEventHandler:
    """Brings the parent up to date."""

    def __init__(self, runner: TaskRunner) -> None:
        self._runner = runner

    async def execute(self, event: SubTaskQueueEvent) -> None:
        """Nothing to do for a parent that has ended."""
        await self._runner.settle(parent_key(event.task_key), is_repeated=event.receive_count > 1)
