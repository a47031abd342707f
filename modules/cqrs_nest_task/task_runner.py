"""`TaskRunner`: does tasks and sub-tasks, as often as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cqrs_nest.commands import DetailKey
from cqrs_nest.common import Injectable, Logger
from cqrs_nest_task.statuses import OPEN, TaskStatus, status_of_parent
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
        self._logger = Logger("TaskRunner")

    async def run(self, key: DetailKey) -> None:
        """Do a task or a sub-task once, unless it has ended.

        Raises TaskAttemptFailedError when it failed and is to be tried again.
        """
        task = await self._begin(key)
        if task is None:
            return
        try:
            result = await self._execute(task)
        except Exception as error:
            failures = await self._store.count_failure(key)
            if failures < self._max_attempts and not isinstance(error, HOPELESS):
                self._logger.warn("%s %s: attempt %d failed: %r", key.pk, key.sk, failures, error)
                raise TaskAttemptFailedError(f"{key.pk} {key.sk}: attempt {failures} failed") from error
            await self._end(key, TaskStatus.FAILED, {"error": _description(error)})
            await self._messages.alarm(key, _description(error))
            return
        await self._end(key, TaskStatus.COMPLETED, {"result": [[result]]})

    async def run_to_the_end(self, key: DetailKey) -> None:
        """Do it as often as it takes or may be tried: for a caller that does not deliver again."""
        while True:
            try:
                await self.run(key)
                return
            except TaskAttemptFailedError:
                await asyncio.sleep(0)

    async def settle(self, parent: DetailKey) -> None:
        """Tell how far a task with sub-tasks is, and end it when all of them have ended."""
        found = await self._store.counts(parent)
        if found is None or found[0] != TaskStatus.PROCESSING:
            return
        counted = found[1]
        status = status_of_parent(*_counts(counted))
        if status is not TaskStatus.PROCESSING:
            attributes = await self._final_attributes(parent, counted)
            if await self._store.move(parent, status, attributes, before=(TaskStatus.PROCESSING,)) is None:
                return
            await self._messages.status(parent, status, attributes)
            if status is not TaskStatus.COMPLETED:
                failed = counted["subTaskFailedCount"]
                await self._messages.alarm(parent, f"{failed} of {counted['subTaskCount']} sub-tasks failed")
            return
        await self._messages.status(parent, status, counted)

    async def _begin(self, key: DetailKey) -> TaskEntity | None:
        """The task, which is now being processed; None when it has ended or is not to be done."""
        if not is_sub_task(key):
            task = await self._store.move(key, TaskStatus.PROCESSING)
            if task is not None:
                await self._messages.status(key, TaskStatus.PROCESSING, None)
            return task
        if await self._store.status(parent_key(key)) in (None, TaskStatus.CANCELLED):
            await self._store.move(key, TaskStatus.CANCELLED)
            return None
        if await self._store.start_sub_task(key):
            await self._messages.status(key, TaskStatus.PROCESSING, None)
        task = await self._store.get(key)
        if task is None or task.status == TaskStatus.PROCESSING:
            return task
        # It has ended, and those who count may not have heard of it.
        await self._messages.status(key, task.status, task.attributes)
        return None

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
        if is_sub_task(key):
            await self._store.end_sub_task(key, status, attributes)
        elif await self._store.move(key, status, attributes) is None:
            return
        await self._messages.status(key, status, attributes)

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


def _description(error: Exception) -> str:
    """What rows and alarms say; the text of a validation error would show the input."""
    if isinstance(error, ValidationError):
        fields = ", ".join(".".join(map(str, each["loc"])) or "input" for each in error.errors())
        return f"The input does not fit: {fields}"
    return f"{type(error).__name__}: {error}"
