"""`TaskStore`: the rows of tasks. Each change holds only while the task is where it has to be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import (
    ITEM_NOT_EXISTS,
    Condition,
    Increment,
    Put,
    Update,
    UpdateExpression,
    cancellation_reasons,
    is_condition_failure,
)
from cqrs_nest.commands import KEY_SEPARATOR, DetailKey
from cqrs_nest.common import Injectable
from cqrs_nest_task.statuses import OPEN, WAITING, TaskStatus
from cqrs_nest_task.task_entity import TaskEntity
from cqrs_nest_task.task_keys import TASKS_TABLE, parent_key

PUTS_AT_ONCE = 100
LISTED_SUB_TASKS = 500
"""Up to so many sub-tasks are listed in their parent's attributes, which must stay small enough for a row."""

_COUNTED: Final[Mapping[TaskStatus, Mapping[str, int]]] = {
    TaskStatus.COMPLETED: {"subTaskSucceedCount": 1},
    TaskStatus.FAILED: {"subTaskFailedCount": 1},
}


@Injectable()
class TaskStore:
    """Reads and writes the table `tasks`."""

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb
        self.table = dynamodb.get_table_name(TASKS_TABLE)

    async def get(self, key: DetailKey) -> TaskEntity | None:
        """A task as it is now."""
        row = await self._dynamodb.get_item(self.table, key.row(), consistent_read=True)
        return None if row is None else TaskEntity.from_row(row)

    async def status(self, key: DetailKey) -> str | None:
        """The status of a task as it is now, without the input of all its sub-tasks."""
        row = await self._dynamodb.get_item(self.table, key.row(), consistent_read=True, only=["status"])
        return None if row is None else row["status"]

    async def counts(self, key: DetailKey) -> tuple[str, Mapping[str, Any]] | None:
        """Status and attributes of a task with sub-tasks as they are now."""
        row = await self._dynamodb.get_item(
            self.table, key.row(), consistent_read=True, only=["pk", "sk", "status", "attributes"]
        )
        return None if row is None else (row["status"], row.get("attributes") or {})

    async def put(self, task: Mapping[str, Any]) -> None:
        """Write a new task."""
        await self._dynamodb.put_item(self.table, task, ITEM_NOT_EXISTS)

    async def put_sub_tasks(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Write new sub-tasks, 100 at once; those that are there from an earlier attempt stay."""
        for start in range(0, len(tasks), PUTS_AT_ONCE):
            puts = [Put(self.table, task, ITEM_NOT_EXISTS) for task in tasks[start : start + PUTS_AT_ONCE]]
            try:
                await self._dynamodb.transact_write(puts)
            except Exception as error:
                if not _only_conditions(error):
                    raise

    async def sub_tasks(self, parent: DetailKey) -> AsyncIterator[TaskEntity]:
        """The sub-tasks of a task, in the order of their sort keys."""
        prefix = Condition("begins_with(sk, :prefix)", {":prefix": f"{parent.sk}{KEY_SEPARATOR}"})
        async for row in self._dynamodb.query_all(self.table, parent.pk, sk=prefix, consistent_read=True):
            yield TaskEntity.from_row(row)

    async def move(
        self,
        key: DetailKey,
        status: TaskStatus,
        attributes: Mapping[str, Any] | None = None,
        *,
        before: Sequence[TaskStatus] = OPEN,
    ) -> TaskEntity | None:
        """Set status and attributes while the status is one of `before`; else None, and nothing is done."""
        changes: dict[Any, Any] = {"status": status}
        if attributes is not None:
            changes["attributes"] = attributes
        try:
            row = await self._dynamodb.update_item(
                self.table, key.row(), set=changes, condition=_is_one_of(before)
            )
        except Exception as error:
            if not is_condition_failure(error):
                raise
            return None
        return TaskEntity.from_row(row)

    async def count_failure(self, key: DetailKey) -> int:
        """Note one more attempt in vain; how many there were."""
        row = await self._dynamodb.update_item(self.table, key.row(), set={"failures": Increment(1, start=0)})
        failures: int = row["failures"]
        return failures

    async def start_sub_task(self, key: DetailKey) -> bool:
        """Let a sub-task begin, and count it as running, in one transaction.

        False when it has begun before, or when the task that it belongs to has ended or was cancelled.
        """
        counts = {"subTaskRunningCount": 1}
        return await self._move_sub_task(key, TaskStatus.PROCESSING, None, WAITING, counts, _is_one_of(OPEN))

    async def end_sub_task(
        self, key: DetailKey, status: TaskStatus, attributes: Mapping[str, Any] | None = None
    ) -> bool:
        """Let a running sub-task end, and count it in one transaction. False when it has ended before."""
        counts = {"subTaskRunningCount": -1, **_COUNTED.get(status, {})}
        return await self._move_sub_task(key, status, attributes, (TaskStatus.PROCESSING,), counts)

    async def _move_sub_task(
        self,
        key: DetailKey,
        status: TaskStatus,
        attributes: Mapping[str, Any] | None,
        before: Sequence[TaskStatus],
        counts: Mapping[str, int],
        of_parent: Condition | None = None,
    ) -> bool:
        now: dict[Any, Any] = {"updatedAt": datetime.now(UTC)}
        given: dict[Any, Any] = {} if attributes is None else {"attributes": attributes}
        changes = UpdateExpression(set={**now, "status": status, **given})
        counted: dict[Any, Any] = {("attributes", name): Increment(by) for name, by in counts.items()}
        updates = [
            Update(self.table, key.row(), changes, _is_one_of(before)),
            Update(self.table, parent_key(key).row(), UpdateExpression(set={**now, **counted}), of_parent),
        ]
        try:
            await self._dynamodb.transact_write(updates)
        except Exception as error:
            if not _only_conditions(error):
                raise
            return False
        return True


def _is_one_of(statuses: Sequence[TaskStatus]) -> Condition:
    values = {f":s{index}": str(status) for index, status in enumerate(statuses)}
    return Condition(f"#status IN ({', '.join(values)})", values, {"#status": "status"})


def _only_conditions(error: BaseException) -> bool:
    """Whether a transaction failed because of its conditions alone."""
    reasons = set(cancellation_reasons(error))
    return bool(reasons) and reasons <= {"None", "ConditionalCheckFailed"}
