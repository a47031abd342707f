"""`CommandTables`: the DynamoDB tables that the modules of an application need, created and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cqrs_nest.aws import AwsSession, error_code
from cqrs_nest.aws.dynamodb import table_name
from cqrs_nest.commands.registry import CommandTableRegistry
from cqrs_nest.common import Injectable
from cqrs_nest.config import Environment

STREAM_VIEW = "NEW_IMAGE"
EXPIRY = {"Enabled": True, "AttributeName": "ttl"}
_KEYS = {"pk": "HASH", "sk": "RANGE"}


@dataclass(frozen=True)
class NeededTable:
    """A table by its physical name; command tables have a stream."""

    name: str
    is_streamed: bool


@Injectable()
class CommandTables:
    """Makes what is missing, and says what is not as it has to be. Existing tables are never changed."""

    def __init__(self, registry: CommandTableRegistry, session: AwsSession, environment: Environment) -> None:
        self._registry = registry
        self._session = session
        self._environment = environment

    @property
    def needed(self) -> list[NeededTable]:
        """The three tables of each module, `master-data` for TTL configurations and, if used, `session`."""
        names = [
            NeededTable(name, name == entry.table.command)
            for entry in self._registry.tables
            for name in (entry.table.command, entry.table.data, entry.table.history)
        ]
        shared = ["master-data", *(["session"] if self._environment.ryw_session_ttl_minutes > 0 else [])]
        known = {table.name for table in names}
        physical = (table_name(self._environment, name) for name in shared)
        return [*names, *(NeededTable(name, False) for name in physical if name not in known)]

    async def create(self) -> list[str]:
        """Create what is missing, with expiry and, on deployed stages, point-in-time recovery; the names."""
        created: list[str] = []
        for table in self.needed:
            if await self._describe(table.name) is None:
                await self._create(table)
                created.append(table.name)
        return created

    async def check(self) -> list[str]:
        """What is wrong: missing tables, other keys, a missing or different stream, expiry that is off."""
        return [problem for table in self.needed for problem in await self._problems(table)]

    async def _problems(self, table: NeededTable) -> list[str]:
        found = await self._describe(table.name)
        if found is None:
            return [f"{table.name}: there is no such table"]
        problems: list[str] = []
        keys = {key["AttributeName"]: key["KeyType"] for key in found["KeySchema"]}
        if keys != _KEYS:
            problems.append(f"{table.name}: its keys are {', '.join(keys)}, not pk and sk")
        stream: dict[str, Any] = found.get("StreamSpecification", {})
        if table.is_streamed and not stream.get("StreamEnabled"):
            problems.append(f"{table.name}: it has no stream, so its commands would never be applied")
        elif table.is_streamed and stream["StreamViewType"] not in (STREAM_VIEW, "NEW_AND_OLD_IMAGES"):
            problems.append(f"{table.name}: its stream carries {stream['StreamViewType']}, not {STREAM_VIEW}")
        answer = await self._call("describe_time_to_live", TableName=table.name)
        expiry = answer["TimeToLiveDescription"]
        is_on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        if not is_on or expiry.get("AttributeName") != EXPIRY["AttributeName"]:
            problems.append(f"{table.name}: its rows do not expire by the attribute ttl")
        return problems

    async def _describe(self, name: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            found: dict[str, Any] = (await self._call("describe_table", TableName=name))["Table"]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None
        return found

    async def _create(self, table: NeededTable) -> None:
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}}
        await self._call(
            "create_table",
            TableName=table.name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in _KEYS.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in _KEYS],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=self._is_deployed,
            **(stream if table.is_streamed else {}),
        )
        waiter = self._session.client("dynamodb").get_waiter("table_exists")
        await self._session.run(lambda: waiter.wait(TableName=table.name, WaiterConfig={"Delay": 1}))
        await self._call("update_time_to_live", TableName=table.name, TimeToLiveSpecification=EXPIRY)
        if self._is_deployed:
            await self._call(
                "update_continuous_backups",
                TableName=table.name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )

    @property
    def _is_deployed(self) -> bool:
        return self._environment.node_env != "local"

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", operation, **request)
