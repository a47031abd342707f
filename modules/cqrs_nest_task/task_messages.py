"""`TaskMessages`: what the topic is told of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cqrs_nest.aws import SnsService
from cqrs_nest.commands import KEY_SEPARATOR, DetailKey
from cqrs_nest.common import Injectable
from cqrs_nest_task.task_keys import is_sub_task
from cqrs_nest_task.task_store import TaskStore

TASK_EXECUTE: Final = "task-execute"
TASK_STATUS: Final = "task-status"
SUB_TASK_STATUS: Final = "sub-task-status"
ALARM: Final = "sfn-alarm"


@Injectable()
class TaskMessages:
    """Sends statuses, alarms and the message by which a task is executed."""

    def __init__(self, sns: SnsService, store: TaskStore) -> None:
        self._sns = sns
        self._table = store.table

    async def execute(self, record: Mapping[str, Any], source: str) -> None:
        """Ask for the execution of a task, by the stream record of its row."""
        await self._sns.publish({**record, "action": TASK_EXECUTE, "source": source})

    async def status(
        self, key: DetailKey, status: str, attributes: Mapping[str, Any] | None, notify_id: str | None = None
    ) -> None:
        """Tell of a status, with what is known besides."""
        content: dict[str, Any] = {"status": status}
        if attributes:
            content["attributes"] = attributes
        action = SUB_TASK_STATUS if is_sub_task(key) else TASK_STATUS
        await self._sns.publish(self._message(action, key, content, notify_id))

    async def alarm(self, key: DetailKey, error: object) -> None:
        """Tell operators of a failure."""
        await self._sns.publish_alarm(self._message(ALARM, key, {"errorMessage": error}, None))

    def _message(
        self, action: str, key: DetailKey, content: Mapping[str, Any], notify_id: str | None
    ) -> dict[str, Any]:
        return {
            "action": action,
            "pk": key.pk,
            "sk": key.sk,
            "table": self._table,
            "id": notify_id or KEY_SEPARATOR.join(key),
            "tenantCode": key.pk.partition(KEY_SEPARATOR)[2],
            "content": content,
        }
