"""What becomes of a command that cannot be applied: status, alarm, dead-letter queue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NoReturn
from uuid import uuid4

from cqrs_nest.aws import SqsService, error_code
from cqrs_nest.aws.sqs import is_fifo
from cqrs_nest.common.logger import Logger
from cqrs_nest.config import Environment
from cqrs_nest.pipeline.command_steps import SYNC_DATA, CommandSteps
from cqrs_nest.pipeline.errors import ParkedError

_NEVER_BETTER = ("ValidationException", "NoSuchKey")


class FailedCommands:
    """Gives up commands, so that those of other items need not wait for them.

    Without a dead-letter queue (`DEAD_LETTER_QUEUE_URL`) a failed command is left to its stream, which
    delivers it again and holds back everything behind it.
    """

    def __init__(self, sqs: SqsService, environment: Environment) -> None:
        self._sqs = sqs
        self._queue_url = environment.dead_letter_queue_url
        self._logger = Logger("Pipeline")

    async def give_up(self, steps: CommandSteps, error: Exception) -> NoReturn:
        """Report a command that handlers could not take over.

        Raises ParkedError when it is in the dead-letter queue now, and otherwise `error`.
        """
        await steps.report_failure(SYNC_DATA, error, self.park if self._queue_url else None)
        if steps.progress.is_parked:
            self._logger.error("%r is in the dead-letter queue", steps, error=error)
            raise ParkedError(steps, error) from error
        raise error

    async def give_up_write(self, steps: CommandSteps, error: Exception) -> NoReturn:
        """The same for a command whose rows could not be written: parked only if they never can be."""
        if _can_get_better(error):
            await steps.report_failure(SYNC_DATA, error)
            raise error
        await self.give_up(steps, error)

    async def park(self, message: Mapping[str, Any]) -> None:
        """Put a message into the dead-letter queue, if there is one."""
        if self._queue_url:
            await self._sqs.send_message(self._queue_url, message, **_fifo_options(self._queue_url, message))


def _fifo_options(queue_url: str, message: Mapping[str, Any]) -> dict[str, str]:
    """What a FIFO queue wants to know: a group for each command, and that no message repeats another."""
    if not is_fifo(queue_url):
        return {}
    command = "\n".join(str(message.get(name)) for name in ("table", "pk", "sk"))
    group = hashlib.sha256(command.encode()).hexdigest()
    return {"MessageGroupId": group, "MessageDeduplicationId": str(uuid4())}


def _can_get_better(error: Exception) -> bool:
    """Whether the cause may lie outside of the command, such as a service that is busy or away."""
    return not isinstance(error, ValueError | TypeError | LookupError) and (
        error_code(error) not in _NEVER_BETTER
    )
