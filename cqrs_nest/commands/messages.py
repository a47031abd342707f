"""The messages that tell other services of a command: `command-status` and the domain event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import AwsConfigurationError, DynamoDbService, PublishBatchError, SnsService
from cqrs_nest.aws.dynamodb import ITEM_EXISTS
from cqrs_nest.commands.domain_events import domain_event
from cqrs_nest.commands.keys import get_message_tenant_code
from cqrs_nest.commands.saved_events import saved_event_messages
from cqrs_nest.commands.statuses import EVENTS_OWED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable, Logger

COMMAND_STATUS = "command-status"


@Injectable()
class CommandMessages:
    """Sends the messages of one table's commands to the service's topic."""

    def __init__(self, table: CommandTable, sns: SnsService, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._sns = sns
        self._dynamodb = dynamodb
        self._logger = Logger("CommandMessages")

    async def publish_status(
        self, command: Mapping[str, Any], status: str, notify_id: str | None = None
    ) -> None:
        """Send `command-status`. Raises what SNS raises."""
        await self._sns.publish(self._status_message(command, status, notify_id))

    async def publish_domain_event(self, command: Mapping[str, Any]) -> None:
        """Send the domain event of a command row and the events saved in it. Raises what SNS raises.

        Sending them again is harmless: their `id` is the same each time.
        """
        await self._publish(self._domain_events(command))

    async def publish_completion(self, command: Mapping[str, Any], status: str) -> None:
        """Send status and domain event of an applied command in one call. Raises what SNS raises."""
        await self._publish(self._completion(command, status))

    async def try_completion(self, command: Mapping[str, Any], status: str) -> bool:
        """The same, but a failure is only logged; whether it was sent."""
        return await self._send(command, self._completion(command, status))

    async def announce(self, command: Mapping[str, Any]) -> None:
        """Send the domain event of a command that is to be applied, if the publish is to send it.

        Never fails, as the command is written already. When SNS does not take it, the row's status becomes
        `finish:STARTED`: a command that owes its messages, which the pipeline then sends.
        """
        if self._table.options.events == "inline" and not await self._send(
            command, self._domain_events(command)
        ):
            await self._mark_owed(command)

    async def try_status(self, command: Mapping[str, Any], status: str) -> None:
        """Send `command-status`; a failure is only logged."""
        await self._send(command, [self._status_message(command, status)])

    async def _send(self, command: Mapping[str, Any], messages: list[dict[str, Any]]) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            await self._publish(messages)
        except (ClientError, BotoCoreError, PublishBatchError, AwsConfigurationError) as error:
            actions = " and ".join(message["action"] for message in messages)
            self._logger.error("%s: %s not sent", self._describe(command), actions, error=error)
            return False
        return True

    async def _publish(self, messages: list[dict[str, Any]]) -> None:
        if len(messages) == 1:
            await self._sns.publish(messages[0])
        else:
            await self._sns.publish_batch(messages)

    def _completion(self, command: Mapping[str, Any], status: str) -> list[dict[str, Any]]:
        events = [] if self._table.options.events == "off" else self._domain_events(command)
        return [self._status_message(command, status), *events]

    def _domain_events(self, command: Mapping[str, Any]) -> list[dict[str, Any]]:
        table = self._table.command
        return [domain_event(table, command), *saved_event_messages(table, command)]

    async def _mark_owed(self, command: Mapping[str, Any]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        key = {"pk": command["pk"], "sk": command["sk"]}
        try:
            await self._dynamodb.update_item(
                self._table.command, key, set={"status": EVENTS_OWED}, condition=ITEM_EXISTS
            )
        except (ClientError, BotoCoreError) as error:
            what = "the messages it owes could not be noted on it"
            self._logger.error("%s: %s", self._describe(command), what, error=error)

    def _describe(self, command: Mapping[str, Any]) -> str:
        return f"{self._table.command} {command['pk']} {command['sk']}"

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
