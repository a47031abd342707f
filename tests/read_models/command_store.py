"""A service with the table `task` on emulated AWS; its rows are written as the pipeline leaves them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.commands import CommandTableRegistry, Replay
from cqrs_nest.commands.rows import data_row
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.common import DynamicModule, Module
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.cqrs import CommandService, CqrsModule
from cqrs_nest.read_models import Projections, SqlDatabase, SqlModule
from tests.emulated_aws import emulated_aws
from tests.read_models.conftest import PROJECTED
from tests.read_models.projections import PK, TaskProjection, command

REGION = "eu-west-1"


@Module()
class Root:
    """The application."""


class CommandStore:
    """The running service."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.dynamodb = container.get(DynamoDbService)
        self.database = container.get(SqlDatabase)
        self.projections = container.get(Projections)
        self.projection = container.get(TaskProjection)
        table = container.get(CommandTableRegistry).table("task")
        assert table is not None
        self.session = container.get(AwsSession)
        self.table_service = table.get
        self.replay = table.get(Replay)
        self.commands = table.get(CommandService)
        self.table = table.table

    async def write(
        self, sk: str, version: int, *, pk: str = PK, project: bool = False, **fields: Any
    ) -> None:
        """An applied command, with its data row; `project` lets the projection have it too."""
        model = command(sk, version, pk=pk, status=FINISHED, **fields)
        key = {"pk": pk, "sk": sk}
        existing = await self.dynamodb.get_item(self.table.data, key)
        await self.dynamodb.put_item(self.table.command, model.to_row())
        await self.dynamodb.put_item(self.table.data, data_row(model.to_row(), existing, model.sk))
        if project:
            await self.projection.up(model)


@asynccontextmanager
async def command_store(database_url: str, **settings: Any) -> AsyncIterator[CommandStore]:
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
                SqlModule.register(PROJECTED, create_tables=True),
                CqrsModule.register(table_name="task", data_sync_handlers=[TaskProjection], events="off"),
            ],
        )
        container = await Container.create(root)
        await container.get(CommandTables).create()
        await container.initialize()
        try:
            yield CommandStore(container)
        finally:
            await container.close()
