"""The domain event of a todo, through SNS and SQS, becomes a line of the activity log."""

from cqrs_nest.commands import remove_sort_key_version
from cqrs_nest.common import Logger
from cqrs_nest.events import DomainEvent, EventHandler
from sample_app.todo.events.activity_log import ActivityLog
from sample_app.todo.todo_key import TodoKey

ACTIVITY_QUEUE = "todo-activity-queue"


@EventHandler(DomainEvent)
class TodoActivityHandler:
    """Says who created, updated or deleted which todo."""

    def __init__(self, activity_log: ActivityLog) -> None:
        self._activity_log = activity_log
        self._logger = Logger("TodoActivity")

    async def execute(self, event: DomainEvent) -> None:
        """Write the line, once."""
        message = event.notification
        if not message["pk"].startswith(f"{TodoKey.type}#"):
            return  # the queue brings the events of every feature
        verb = message["eventType"].rpartition(".")[2]
        name = message["entity"]["name"] if message["entity"] else message["id"]
        activity = {
            "id": message["id"],
            "pk": message["pk"],
            "sk": remove_sort_key_version(message["sk"]),
            "version": message["version"],
            "text": f"{message['userId']} {verb} {name!r}",
        }
        if await self._activity_log.write(activity):
            self._logger.log("%s", activity["text"])
