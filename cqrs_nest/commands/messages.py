"""The messages that tell other services of a command: `command-status` and the domain event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cqrs_nest.aws import AwsConfigurationError, PublishBatchError, SnsService, WrittenMessage
from cqrs_nest.commands.domain_events import domain_event
from cqrs_nest.commands.keys import get_message_tenant_code
from cqrs_nest.commands.saved_events import saved_event_messages
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable, Logger

COMMAND_STATUS = "command-status"


@Injectable()
class CommandMessages:
    """Sends the messages of one table's commands to the service's topic."""

    def __init__(self, table: CommandTable, sns: SnsService) -> None:
        self._table = table
        self._sns = sns
        self._logger = Logger("CommandMessages")

    async def publish_status(
        self, command: Mapping[str, Any], status: str, notify_id: str | None = None
    ) -> None:
        """Send `command-status`. Raises what SNS raises."""
        await self._sns.publish(self._status_message(command, status, notify_id))

    async def publish_events(self, command: Mapping[str, Any]) -> None:
        """Send the domain event of a command row and the events saved in it. Raises what SNS raises.

        Sending them again is harmless: their `id` is the same each time.
        """
        await self._publish(self._domain_events(command))

    async def publish_completion(self, command: Mapping[str, Any], status: str) -> None:
        """Send status and events of an applied command in one call. Raises what SNS raises."""
        await self._publish(self.build(command, status))

    def build(self, command: Mapping[str, Any], status: str | None = None) -> list[Mapping[str, Any]]:
        """The messages of a command row: its status, if given, and its events, if the table has any.

        Raises UnsupportedValueError for what has no form in a message.
        """
        events = [] if self._table.options.events == "off" else self._domain_events(command)
        return [*([self._status_message(command, status)] if status else []), *events]

    async def try_send(self, command: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> bool:
        """Send what `build` gave for a command; a failure is only logged. Whether they were sent."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            await self._publish(messages)
        except (ClientError, BotoCoreError, PublishBatchError, AwsConfigurationError) as error:
            actions = " and ".join(message["action"] for message in messages)
            where = f"{self._table.command} {command['pk']} {command['sk']}"
            self._logger.error("%s: %s not sent", where, actions, error=error)
            return False
        return True

    async def try_status(self, command: Mapping[str, Any], status: str) -> None:
        """Send `command-status`; a failure is only logged."""
        await self.try_send(command, [self._status_message(command, status)])

    async def _publish(self, messages: Sequence[Mapping[str, Any]]) -> None:
        if len(messages) == 1:
            await self._sns.publish(messages[0])
        else:
            await self._sns.publish_batch(messages)

    def _domain_events(self, command: Mapping[str, Any]) -> list[WrittenMessage]:
        table = self._table.command
        saved = saved_event_messages(table, command)
        return [domain_event(table, command), *map(WrittenMessage, saved)]

    def _status_message(
        self, command: Mapping[str, Any], status: str, notify_id: str | None = None
    ) -> dict[str, Any]:
        pk, sk = command["pk"], command["sk"]
        content = {"status": status, "source": command.get("source")}
        return {
            "action": COMMAND_STATUS,
            "pk": pk,
            "sk": sk,
            "table": self._table.command,
            "id": notify_id or command.get("requestId") or f"{self._table.command}#{pk}#{sk}",
            "tenantCode": get_message_tenant_code(pk),
            "content": {name: value for name, value in content.items() if value is not None},
        }
