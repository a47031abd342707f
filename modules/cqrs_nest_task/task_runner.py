"""`TaskRunner`: does tasks and sub-tasks, as often as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cqrs_nest.commands import DetailKey, RetryPolicy
from cqrs_nest.common import Injectable, Logger
from cqrs_nest_task.statuses import OPEN, WAITING, TaskStatus, status_of_parent
from cqrs_nest_task.task_entity import TaskEntity
from cqrs_nest_task.task_handlers import TaskHandlerNotFoundError, TaskHandlers, TaskRun
from cqrs_nest_task.task_keys import is_sub_task, parent_key
from cqrs_nest_task.task_messages import TaskMessages
from cqrs_nest_task.task_options import TaskOptions
from cqrs_nest_task.task_store import LISTED_SUB_TASKS, TaskStore

HOPELESS = (ValidationError, TaskHandlerNotFoundError)
"""What another attempt would not mend."""


class TaskAttemptFailedError(Exception):
    """An attempt failed, and there will be another: the queue delivers the message again."""


@Injectable()
class TaskRunner:
    """Each step can be repeated: a delivery that comes twice, or after a crash, goes on where it stopped."""

    def __init__(
        self, store: TaskStore, messages: TaskMessages, handlers: TaskHandlers, options: TaskOptions
    ) -> None:
        self._store = store
        self._messages = messages
        self._handlers = handlers
        self._max_attempts = options.max_attempts
        self._retry = RetryPolicy(attempts=options.max_attempts)
        self._logger = Logger("TaskRunner")

    async def run(self, key: DetailKey, *, is_repeated: bool = False) -> None:
        """Do a task or a sub-task once, unless it has ended.

        Of one that has, a repeated delivery tells again: the one before may have died too early to do it.
        Raises TaskAttemptFailedError when it failed and is to be tried again.
        """
        task = await self._begin(key)
        if task is None:
            return
        if task.status not in OPEN:
            if is_repeated:
                await self._tell(key, task.status, task.attributes)
            return
        try:
            result = await self._execute(task)
        except Exception as error:
            failures = await self._store.count_failure(key)
            if failures < self._max_attempts and not isinstance(error, HOPELESS):
                self._logger.warn("%s %s: attempt %d failed: %r", key.pk, key.sk, failures, error)
                raise TaskAttemptFailedError(f"{key.pk} {key.sk}: attempt {failures} failed") from error
            await self._end(key, TaskStatus.FAILED, {"error": _description(error)})
        else:
            await self._end(key, TaskStatus.COMPLETED, {"result": [[result]]})

    async def run_to_the_end(self, key: DetailKey) -> None:
        """Do it as often as it takes or may be tried: for a caller that does not deliver again."""
        for pause in (*self._retry.pauses(), 0.0):
            try:
                await self.run(key, is_repeated=True)
                return
            except TaskAttemptFailedError:
                await asyncio.sleep(pause)

    async def settle(self, parent: DetailKey, *, is_repeated: bool = False) -> None:
        """Tell how far a task with sub-tasks is, and end it when all of them have ended."""
        found = await self._store.counts(parent)
        if found is None:
            return
        status, attributes = found
        if status == TaskStatus.PROCESSING:
            status = status_of_parent(*_counts(attributes))
            if status is not TaskStatus.PROCESSING:
                attributes = await self._final_attributes(parent, attributes)
                if not await self._store.move(parent, status, attributes, before=(TaskStatus.PROCESSING,)):
                    return
        elif not is_repeated:
            return
        await self._tell(parent, status, attributes)

    async def _begin(self, key: DetailKey) -> TaskEntity | None:
        """The task, which is now being processed or has ended; None when it is not to be done."""
        if is_sub_task(key):
            return await self._begin_sub_task(key)
        task = await self._store.move(key, TaskStatus.PROCESSING)
        if task is None:
            return await self._store.get(key)
        await self._messages.status(key, TaskStatus.PROCESSING, None)
        return task

    async def _begin_sub_task(self, key: DetailKey) -> TaskEntity | None:
        is_begun = await self._store.start_sub_task(key)
        if is_begun:
            await self._messages.status(key, TaskStatus.PROCESSING, None)
        task = await self._store.get(key)
        if task is None or is_begun or task.status not in OPEN:
            return task
        if await self._is_cancelled(key):
            await self._cancel_sub_task(task)
            return None
        return task

    async def _cancel_sub_task(self, task: TaskEntity) -> None:
        if task.status in WAITING:
            is_moved = await self._store.move(task.key, TaskStatus.CANCELLED, before=WAITING) is not None
        else:
            is_moved = await self._store.end_sub_task(task.key, TaskStatus.CANCELLED)
        if is_moved:
            await self._messages.status(task.key, TaskStatus.CANCELLED, None)

    async def _execute(self, task: TaskEntity) -> Any:
        registered = self._handlers.of(task.type)
        run = TaskRun[Any](
            registered.adapter.validate_python(task.input),
            task,
            lambda progress: self._report(task.key, progress),
            lambda: self._is_cancelled(task.key),
        )
        return await registered.handler.execute(run)

    async def _end(self, key: DetailKey, status: TaskStatus, attributes: Mapping[str, Any]) -> None:
        """Nothing happens when it has ended otherwise meanwhile: it was cancelled, or came twice."""
        if is_sub_task(key):
            is_ended = await self._store.end_sub_task(key, status, attributes)
        else:
            is_ended = await self._store.move(key, status, attributes) is not None
        if is_ended:
            await self._tell(key, status, attributes)

    async def _tell(self, key: DetailKey, status: str, attributes: Mapping[str, Any]) -> None:
        await self._messages.status(key, status, attributes)
        if status in (TaskStatus.FAILED, TaskStatus.PARTIAL):
            await self._messages.alarm(key, _reason(attributes))

    async def _report(self, key: DetailKey, progress: Any) -> None:
        attributes = {"progress": progress}
        if await self._store.move(key, TaskStatus.PROCESSING, attributes, before=(TaskStatus.PROCESSING,)):
            await self._messages.status(key, TaskStatus.PROCESSING, attributes)

    async def _is_cancelled(self, key: DetailKey) -> bool:
        return await self._store.status(parent_key(key) if is_sub_task(key) else key) not in OPEN

    async def _final_attributes(self, parent: DetailKey, counted: Mapping[str, Any]) -> Mapping[str, Any]:
        if counted["subTaskCount"] > LISTED_SUB_TASKS:
            return counted
        listed = [
            {"pk": each.pk, "sk": each.sk, "status": each.status}
            async for each in self._store.sub_tasks(parent)
        ]
        return {**counted, "subTasks": listed}


def _counts(attributes: Mapping[str, Any]) -> tuple[int, int, int]:
    return (
        attributes["subTaskCount"],
        attributes["subTaskSucceedCount"],
        attributes["subTaskFailedCount"],
    )


def _reason(attributes: Mapping[str, Any]) -> str:
    """Why a task has failed."""
    if "subTaskFailedCount" in attributes:
        count, _, failed = _counts(attributes)
        return f"{failed} of {count} sub-tasks failed"
    return str(attributes.get("error", "no reason was given"))


def _description(error: Exception) -> str:
    """What rows and alarms say; the text of a validation error would show the input."""
    if isinstance(error, ValidationError):
        fields = ", ".join(".".join(map(str, each["loc"])) or "input" for each in error.errors())
        return f"The input does not fit: {fields}"
    return f"{type(error).__name__}: {error}"
