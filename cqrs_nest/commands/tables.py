"""`CommandTables`: the DynamoDB tables that the modules of an application need, created and checked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cqrs_nest.aws import AwsConfigurationError, AwsResources, AwsSession, TableResource, error_code
from cqrs_nest.aws.dynamodb import TableType, table_name
from cqrs_nest.commands.registry import CommandTableRegistry
from cqrs_nest.common import Injectable, Logger
from cqrs_nest.common.lambda_runtime import in_lambda
from cqrs_nest.config import Environment
from cqrs_nest.core import CqrsNestError, DiscoveryService

STREAM_VIEW = "NEW_IMAGE"
EXPIRY = {"Enabled": True, "AttributeName": "ttl"}
KEYS = {"pk": "HASH", "sk": "RANGE"}
CALLS = {
    TableType.COMMAND: ("BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    TableType.DATA: ("ConditionCheckItem", "GetItem", "PutItem", "Query"),
    TableType.HISTORY: ("GetItem", "PutItem", "Query"),
}
"""What publishing, applying and reading do on the tables of a module, transactions by what is in them."""
_TTL_CALLS = ("GetItem",)
_SESSION_CALLS = ("GetItem", "PutItem", "Query")
_STREAM_FIX = (
    "aws dynamodb update-table --table-name {} "
    f"--stream-specification StreamEnabled=true,StreamViewType={STREAM_VIEW}"
)
_EXPIRY_FIX = (
    "aws dynamodb update-time-to-live --table-name {} "
    "--time-to-live-specification Enabled=true,AttributeName=ttl"
)

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB")


class TablesNotReadyError(CqrsNestError):
    """The application cannot start, as tables are missing or not as they have to be."""

    def __init__(self, problems: list[str]) -> None:
        listed = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(
            f"The application's tables in DynamoDB are not as they have to be:\n{listed}\n"
            "Fix: `cqrs-nest tables create` makes what is missing; another NODE_ENV or APP_NAME means other "
            "tables. CHECK_TABLES=false starts without this check."
        )


@dataclass(frozen=True)
class NeededTable:
    """A table by its physical name; command tables, and others that say so, have a stream.

    An application starts without a table that is not `is_required`. `calls` are the actions of DynamoDB that
    it uses on the table.
    """

    name: str
    is_streamed: bool
    is_required: bool = True
    calls: tuple[str, ...] = ()

    def joined(self, other: NeededTable) -> NeededTable:
        """The table for both of two that need it; the keys of the first, its stream included, hold."""
        calls = tuple(sorted({*self.calls, *other.calls}))
        return replace(self, is_required=self.is_required or other.is_required, calls=calls)


@dataclass(frozen=True, slots=True)
class TableProblem:
    """What is wrong with a table, and what mends it."""

    table: str
    text: str
    fix: str

    def __str__(self) -> str:
        return f"{self.table}: {self.text}"


@Injectable()
class CommandTables:
    """Makes what is missing, and says what is not as it has to be. Existing tables are never changed."""

    def __init__(
        self,
        registry: CommandTableRegistry,
        session: AwsSession,
        environment: Environment,
        discovery: DiscoveryService,
    ) -> None:
        self._registry = registry
        self._discovery = discovery
        self._session = session
        self._environment = environment
        self._logger = Logger("CommandTables")

    @property
    def needed(self) -> list[NeededTable]:
        """The tables of all modules, `master-data` for TTL configurations and, if used, `session`."""
        tables = [
            NeededTable(entry.table.physical_name(type), type is TableType.COMMAND, calls=CALLS[type])
            for entry in self._registry.tables
            for type in TableType
        ]
        tables += [self._named(each.name, each.calls, each.is_streamed) for each in self._own_tables()]
        tables.append(self._named("master-data", _TTL_CALLS, is_required=False))
        if self._environment.ryw_session_ttl_minutes > 0:
            tables.append(self._named("session", _SESSION_CALLS))
        needed: dict[str, NeededTable] = {}
        for table in tables:
            needed[table.name] = needed[table.name].joined(table) if table.name in needed else table
        return list(needed.values())

    def _own_tables(self) -> Iterator[TableResource]:
        for binding in self._discovery.providers():
            if binding.token is AwsResources:
                yield from (each for each in binding.instance.tables if not each.is_optional)

    def _named(
        self, name: str, calls: Sequence[str], is_streamed: bool = False, is_required: bool = True
    ) -> NeededTable:
        return NeededTable(table_name(self._environment, name), is_streamed, is_required, tuple(calls))

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
        return list(map(str, await self.problems()))

    async def problems(self) -> list[TableProblem]:
        """The same, each with its fix."""
        return await self._all_problems(self.needed, with_expiry=True)

    async def check_at_start(self) -> None:
        """Look for what would fail at the first request: one DescribeTable for each table, all at once.

        It is done as `CHECK_TABLES` says. Without that, AWS Lambda does without it, so that no cold start
        waits for it, and so does the stage `local` unless an endpoint is set. When DynamoDB does not let
        itself be asked, a warning is logged.

        Raises TablesNotReadyError naming all that is wrong.
        """
        if not self._is_checked_at_start:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        required = [table for table in self.needed if table.is_required]
        try:
            problems = await self._all_problems(required, with_expiry=False)
        except (ClientError, BotoCoreError, AwsConfigurationError) as error:
            self._logger.warn("the tables could not be checked: %s", error)
            return
        if problems:
            raise TablesNotReadyError(list(map(str, problems)))

    @property
    def _is_checked_at_start(self) -> bool:
        environment = self._environment
        if environment.check_tables is not None:
            return environment.check_tables
        has_endpoint = environment.dynamodb_endpoint or any(name in os.environ for name in _ENDPOINTS)
        return not in_lambda() and (self._is_deployed or bool(has_endpoint))

    async def _all_problems(self, tables: list[NeededTable], *, with_expiry: bool) -> list[TableProblem]:
        found = await asyncio.gather(*(self._problems(table, with_expiry) for table in tables))
        return [problem for problems in found for problem in problems]

    async def _problems(self, table: NeededTable, with_expiry: bool) -> list[TableProblem]:
        found = await self._describe(table.name)
        if found is None:
            fix = "cqrs-nest tables create makes what is missing"
            return [TableProblem(table.name, "there is no such table", fix)]
        problems: list[TableProblem] = []
        keys = {key["AttributeName"]: key["KeyType"] for key in found["KeySchema"]}
        if keys != KEYS:
            said = f"its keys are {', '.join(keys)}, not pk and sk"
            problems.append(TableProblem(table.name, said, "make it anew: keys cannot be changed"))
        stream = _stream_problem(found.get("StreamSpecification", {})) if table.is_streamed else None
        if stream is not None:
            problems.append(TableProblem(table.name, stream, _STREAM_FIX.format(table.name)))
        return problems + (await self._expiry_problems(table) if with_expiry else [])

    async def _expiry_problems(self, table: NeededTable) -> list[TableProblem]:
        answer = await self._call("describe_time_to_live", TableName=table.name)
        expiry = answer["TimeToLiveDescription"]
        is_on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        if is_on and expiry.get("AttributeName") == EXPIRY["AttributeName"]:
            return []
        said = "its rows do not expire by the attribute ttl"
        return [TableProblem(table.name, said, _EXPIRY_FIX.format(table.name))]

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
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEYS],
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


def _stream_problem(stream: dict[str, Any]) -> str | None:
    if not stream.get("StreamEnabled"):
        return "it has no stream, so its commands would never be applied"
    if stream["StreamViewType"] not in (STREAM_VIEW, "NEW_AND_OLD_IMAGES"):
        return f"its stream carries {stream['StreamViewType']}, not {STREAM_VIEW}"
    return None
