"""`TaskFanOut`: makes the sub-tasks of a task and hands them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ulid_transform import ulid_now

from cqrs_nest.aws import StepFunctionService, error_code, to_json
from cqrs_nest.commands import KEY_SEPARATOR, DetailKey
from cqrs_nest.common import Injectable
from cqrs_nest.config import Environment
from cqrs_nest.core import CqrsNestError
from cqrs_nest_task.statuses import WAITING, TaskStatus
from cqrs_nest_task.task_entity import TaskEntity
from cqrs_nest_task.task_keys import sub_task_key
from cqrs_nest_task.task_messages import TaskMessages
from cqrs_nest_task.task_options import TaskOptions
from cqrs_nest_task.task_runner import TaskRunner
from cqrs_nest_task.task_store import LISTED_SUB_TASKS, TaskStore

MAX_INPUT_BYTES: Final = 200_000
"""An execution takes 262,144 bytes; a sub-task that is larger is handed over as its key alone."""
MAX_SUB_TASKS: Final = 1_000
"""An execution has room for 25,000 events, and each sub-task takes seven and four for each attempt more."""
MAX_NAME_LENGTH: Final = 80
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z_-]+")


class StateMachineMissingError(CqrsNestError):
    """Sub-tasks are to be handed out by a state machine, and there is none."""


@Injectable()
class TaskFanOut:
    """Each step can be repeated: what is there from an earlier delivery stays as it is."""

    def __init__(
        self,
        store: TaskStore,
        messages: TaskMessages,
        runner: TaskRunner,
        step_functions: StepFunctionService,
        environment: Environment,
        options: TaskOptions,
    ) -> None:
        self._store = store
        self._messages = messages
        self._runner = runner
        self._step_functions = step_functions
        self._state_machine = environment.sfn_task_arn
        self._fan_out = options.fan_out

    @property
    def is_by_queue(self) -> bool:
        """Whether sub-tasks go over the queue, one message each."""
        return self._fan_out == "queue" or (self._fan_out == "auto" and not self._state_machine)

    def on_module_init(self) -> None:
        """Refuse to start without a state machine when sub-tasks are to go through one."""
        if self._fan_out == "step-functions" and not self._state_machine:
            raise StateMachineMissingError(
                'TaskModule: TaskOptions(fan_out="step-functions") has no state machine.\n'
                "Fix: set SFN_TASK_ARN to the ARN of the sfn-task state machine."
            )

    async def start(self, key: DetailKey) -> None:
        """Let a task with sub-tasks begin."""
        task = await self._store.get(key)
        if task is None:
            return
        rows = [_sub_task(task, index, each) for index, each in enumerate(_elements(task))]
        begun = await self._store.move(key, TaskStatus.PROCESSING, _attributes(rows), before=WAITING)
        if begun is not None:
            await self._messages.status(key, TaskStatus.PROCESSING, begun.attributes)
        elif task.status != TaskStatus.PROCESSING:
            return
        await self._store.put_sub_tasks(rows)
        if not rows:
            await self._runner.settle(key)
        elif not self.is_by_queue:
            for index, entities in enumerate(_executions(rows)):
                await self._start_execution(task, index, entities)

    async def _start_execution(
        self, task: TaskEntity, index: int, entities: Sequence[Mapping[str, Any]]
    ) -> None:
        """Start an execution; its name is the same each time, so that there is one."""
        suffix = f"-{index}" if index else ""
        name = _NOT_IN_NAMES.sub("-", f"{task.pk}-{task.sk}{suffix}")[-MAX_NAME_LENGTH:]
        try:
            await self._step_functions.start_execution(str(self._state_machine), entities, name)
        except Exception as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise


def _elements(task: TaskEntity) -> Sequence[Any]:
    return task.input if isinstance(task.input, list) else [task.input]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _executions(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The inputs of as many executions as it takes for all sub-tasks."""
    entities: list[Mapping[str, Any]] = []
    room = MAX_INPUT_BYTES
    for row in rows:
        entity, size = row, _bytes(row)
        if size > MAX_INPUT_BYTES:
            entity = {"pk": row["pk"], "sk": row["sk"]}
            size = _bytes(entity)
        if size > room or len(entities) == MAX_SUB_TASKS:
            yield entities
            entities, room = [], MAX_INPUT_BYTES
        entities.append(entity)
        room -= size
    yield entities


def _bytes(entity: Mapping[str, Any]) -> int:
    return len(to_json(entity).encode()) + 1


def _sub_task(parent: TaskEntity, index: int, input: Any) -> Mapping[str, Any]:
    key = sub_task_key(parent.key, index)
    now = datetime.now(UTC)
    inherited = {
        "requestId": parent.request_id,
        "createdBy": parent.created_by,
        "updatedBy": parent.updated_by,
        "createdIp": parent.created_ip,
        "updatedIp": parent.updated_ip,
    }
    return {
        **key.row(),
        "id": KEY_SEPARATOR.join(key),
        "version": 0,
        "code": ulid_now(),
        "type": parent.type,
        "name": parent.name,
        "tenantCode": parent.tenant_code,
        "status": TaskStatus.CREATED,
        "input": input,
        "createdAt": now,
        "updatedAt": now,
        **{name: value for name, value in inherited.items() if value is not None},
    }


def _attributes(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    counts = {
        "subTaskCount": len(rows),
        "subTaskSucceedCount": 0,
        "subTaskFailedCount": 0,
        "subTaskRunningCount": 0,
    }
    if len(rows) > LISTED_SUB_TASKS:
        return counts
    listed = [{name: row[name] for name in ("pk", "sk", "status")} for row in rows]
    return {**counts, "subTasks": listed}
