"""A service with the table `task` on emulated AWS; its rows are written as the pipeline leaves them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, MetaData

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.aws.dynamodb import Put
from cqrs_nest.commands import CommandModel, CommandTableRegistry, DetailKey, Replay
from cqrs_nest.commands.keys import remove_sort_key_version
from cqrs_nest.commands.rows import Row, data_row
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.common import DynamicModule, Module
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.cqrs import CommandService, CqrsModule
from cqrs_nest.read_models import Projections, SqlDatabase, SqlModule, SqlProjection
from tests.emulated_aws import emulated_aws
from tests.read_models.conftest import PROJECTED
from tests.read_models.projections import PK, TaskProjection, command

REGION = "eu-west-1"


@Module()
class Root:
    """The application."""


class CommandStore:
    """The running service."""

    def __init__(self, container: Container, projection: type[SqlProjection], metadata: MetaData) -> None:
        self.container = container
        self.metadata = metadata
        self.dynamodb = container.get(DynamoDbService)
        self.database = container.get(SqlDatabase)
        self.projections = container.get(Projections)
        self.projection = container.get(projection)
        table = container.get(CommandTableRegistry).table("task")
        assert table is not None
        self.session = container.get(AwsSession)
        self.table_service = table.get
        self.replay = table.get(Replay)
        self.commands = table.get(CommandService)
        self.table = table.table

    async def write(
        self, sk: str, version: int, *, pk: str = PK, project: bool = False, **fields: Any
    ) -> CommandModel:
        """An applied command, with its data row; `project` lets the projection have it too."""
        model = command(sk, version, pk=pk, **fields)
        await self.fill(model, project=project)
        return model

    async def fill(self, *commands: CommandModel, project: bool = True) -> None:
        """Applied commands, with the data rows that they lead to."""
        data: dict[DetailKey, Row] = {}
        puts: list[Put] = []
        for model in commands:
            row = {**model.to_row(), "status": FINISHED}
            key = DetailKey(model.pk, remove_sort_key_version(model.sk))
            if model.version != 1 and key not in data:
                data[key] = await self.dynamodb.get_item(self.table.data, key.row()) or {}
            data[key] = data_row(row, data.get(key), model.sk)
            puts.append(Put(self.table.command, row))
        puts += (Put(self.table.data, row) for row in data.values())
        await self.dynamodb.transact_write(puts)
        if project:
            for model in commands:
                await self.projection.up(model)

    async def clear(self) -> None:
        """Take away every row, and every table that is not the projection's."""
        client = self.session.client("dynamodb")
        for table in (self.table.command, self.table.data, self.table.history):
            found = client.scan(TableName=table, ProjectionExpression="pk, sk")["Items"]
            for start in range(0, len(found), 25):
                removals = [{"DeleteRequest": {"Key": row}} for row in found[start : start + 25]]
                client.batch_write_item(RequestItems={table: removals})
        async with self.database.begin() as connection:
            for declared in reversed(self.metadata.sorted_tables):
                await connection.execute(declared.delete())
            await connection.run_sync(self._drop_others)

    def _drop_others(self, connection: Connection) -> None:
        declared = self.metadata.tables
        found = MetaData()
        found.reflect(connection, only=lambda name, _: name not in declared)
        for table in reversed(found.sorted_tables):
            if table.name not in declared:
                table.drop(connection)


@asynccontextmanager
async def command_store(
    database_url: str,
    projection: type[SqlProjection] = TaskProjection,
    metadata: MetaData = PROJECTED,
    **settings: Any,
) -> AsyncIterator[CommandStore]:
    """Start the service."""
    environment = Environment(
        node_env="local",
        app_name="test",
        database_url=database_url,
        dynamodb_region=REGION,
        s3_region=REGION,
        **settings,
    )
    with emulated_aws():
        root = DynamicModule(
            Root,
            imports=[
                ConfigModule.for_root(environment),
                SqlModule.register(metadata, create_tables=True),
                CqrsModule.register(table_name="task", data_sync_handlers=[projection], events="off"),
            ],
        )
        container = await Container.create(root)
        await container.get(CommandTables).create()
        await container.initialize()
        try:
            yield CommandStore(container, projection, metadata)
        finally:
            await container.close()
