"""The consumer that is killed: a process which answers stream events on its standard input.

It makes the application once, then forks a child that serves; when the child dies, it forks another one.
Each child says its process id first. Lines that make no sense are left over from a child that was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cqrs_nest.aws import AwsModule, AwsSession, DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, is_condition_failure
from cqrs_nest.commands import CommandModel, CommandModule, CommandService, CommandTableRegistry
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.events import EventModule, EventService
from cqrs_nest.pipeline import PipelineModule
from cqrs_nest.read_models import upsert_newer

REGION = "eu-west-1"
ACCOUNT = "123456789012"
PREFIX = "local-kill-"
INDEX = f"{PREFIX}index"
SERVICES = ("dynamodb", "s3", "sns", "sqs")

metadata = MetaData()
todos = Table(
    "todos", metadata, Column("sk", String(50), primary_key=True), Column("version", Integer, nullable=False)
)
applied = Table(
    "applied",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sk", String(50), nullable=False),
    Column("version", Integer, nullable=False),
)
"""Not guarded by itself: a row for each time that a command was taken over."""


class SqlProjection:
    """Keeps the newest version of each item, and every version that was taken over, in one transaction."""

    def __init__(self, environment: Environment) -> None:
        self._url = str(environment.database_url)
        self._engine: AsyncEngine | None = None

    async def up(self, command: CommandModel) -> None:
        # Made at the first use: an engine must not be shared over a fork.
        self._engine = self._engine or create_async_engine(self._url, connect_args={"timeout": 60})
        row = {"sk": command.sk.partition("@")[0], "version": command.version}
        async with self._engine.begin() as connection:
            if await upsert_newer(connection, todos, row):
                await connection.execute(insert(applied).values(row))

    async def down(self, command: CommandModel) -> None: ...


class IndexProjection:
    """The same in one row of DynamoDB for each item."""

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb

    async def up(self, command: CommandModel) -> None:
        key = {"pk": command.pk, "sk": command.sk.partition("@")[0]}
        row = await self._dynamodb.get_item(INDEX, key, consistent_read=True) or {"version": 0, "applied": []}
        if row["version"] >= command.version:
            return
        newer = {**key, "version": command.version, "applied": [*row["applied"], command.version]}
        unchanged = Condition("attribute_not_exists(pk) OR version = :known", {":known": row["version"]})
        try:
            await self._dynamodb.put_item(INDEX, newer, unchanged)
        except Exception as error:
            if not is_condition_failure(error):
                raise

    async def down(self, command: CommandModel) -> None: ...


@Module(
    imports=[
        AwsModule,
        EventModule,
        PipelineModule,
        CommandModule.register(
            table_name="todo", data_sync_handlers=[SqlProjection, IndexProjection], imports=[AwsModule]
        ),
    ]
)
class Root:
    """One table with two projections."""


async def start(url: str, database: Path) -> Container:
    """The application on the emulator, its clients not used yet."""
    settings = {
        f"{service}_{name}": value
        for service in SERVICES
        for name, value in (("endpoint", url), ("region", REGION))
    }
    environment = Environment(
        node_env="local",
        app_name="kill",
        s3_bucket_name="bucket",
        sns_topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:topic",
        dead_letter_queue_url=f"{url}/{ACCOUNT}/dead-letters",
        database_url=f"sqlite+aiosqlite:///{database}",
        **settings,
    )
    container = await Container.create(DynamicModule(Root, imports=[ConfigModule.for_root(environment)]))
    await container.initialize()
    for service in SERVICES:
        container.get(AwsSession).client(service)
    return container


def commands_of(container: Container) -> CommandService:
    """The service that publishes."""
    table = container.get(CommandTableRegistry).table("todo")
    assert table is not None
    return table.get(CommandService)


async def serve(container: Container) -> None:
    """Answer one event after the other."""
    loop = asyncio.get_running_loop()
    _tell({"pid": os.getpid()})
    with os.fdopen(os.dup(0)) as requests:
        while line := await loop.run_in_executor(None, requests.readline):
            request = _request(line)
            if request is not None:
                result = await container.get(EventService).handle(request["event"])
                _tell({"id": request["id"], "result": result})


def _request(line: str) -> Mapping[str, Any] | None:
    try:
        request: Mapping[str, Any] = json.loads(line)
    except ValueError:
        return None
    return request


def _tell(message: Mapping[str, Any]) -> None:
    os.write(1, f"\n{json.dumps(message)}\n".encode())


def main() -> None:
    """Serve until the standard input ends, by as many children as it takes."""
    container = asyncio.run(start(sys.argv[1], Path(sys.argv[2])))
    while True:
        child = os.fork()
        if child == 0:
            asyncio.run(serve(container))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main()
