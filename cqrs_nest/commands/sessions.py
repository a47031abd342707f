"""`SessionService`: remembers for a while which versions a user has just published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands.keys import generate_id, get_tenant_code
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable, Logger
from cqrs_nest.config import Environment


@Injectable()
class SessionService:
    """Rows of the table `session`: one for each user and item, for `RYW_SESSION_TTL_MINUTES`."""

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService, environment: Environment) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._minutes = environment.ryw_session_ttl_minutes
        self._logger = Logger("SessionService")

    @property
    def is_on(self) -> bool:
        """Whether sessions are kept at all."""
        return self._minutes > 0

    async def put(self, user_id: str | None, command: dict[str, Any]) -> None:
        """Remember a published command. A failure is only logged: the command is written already."""
        from botocore.exceptions import BotoCoreError, ClientError

        key = self._key(user_id, command["pk"])
        if key is None:
            return
        expires = int(datetime.now(UTC).timestamp()) + int(self._minutes * 60)
        item = command.get("id") or generate_id(command["pk"], command["sk"])
        row = {"pk": key, "sk": self._sk(item), "version": command["version"], "ttl": expires}
        try:
            await self._dynamodb.put_item(self._session_table, row)
        except (ClientError, BotoCoreError) as error:
            self._logger.error("RYW session write failed (non-fatal)", error=error)

    async def get(self, user_id: str | None, pk: str, sk: str) -> int | None:
        """The version of an item that the user published last; None when there is none to remember."""
        key = self._key(user_id, pk)
        if key is None:
            return None
        row = await self._dynamodb.get_item(
            self._session_table, {"pk": key, "sk": self._sk(generate_id(pk, sk))}
        )
        version: int | None = row["version"] if row else None
        return version

    async def list_by_user(self, user_id: str | None, pk: str, limit: int = 1000) -> dict[str, int]:
        """Item ids of the table with the versions that the user published last."""
        key = self._key(user_id, pk)
        if key is None:
            return {}
        prefix = self._sk("")
        condition = Condition("begins_with(sk, :prefix)", {":prefix": prefix})
        page = await self._dynamodb.query(self._session_table, key, sk=condition, limit=limit)
        return {row["sk"].removeprefix(prefix): row["version"] for row in page.items}

    @property
    def _session_table(self) -> str:
        return self._dynamodb.get_table_name("session")

    def _key(self, user_id: str | None, pk: str) -> str | None:
        tenant = get_tenant_code(pk)
        return f"{user_id}#{tenant}" if self.is_on and user_id and tenant else None

    def _sk(self, item_id: str) -> str:
        return f"{self._table.name}#{item_id}"
