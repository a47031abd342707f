from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table, select

from cqrs_nest.common import Module
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.read_models import DatabaseNotConfiguredError, SqlDatabase, SqlModule


class TodoProjection:
    def __init__(self, database: SqlDatabase) -> None:
        self.database = database


@Module(providers=[TodoProjection])
class FeatureModule: ...


async def test_every_module_can_inject_the_database_with_its_tables(
    tmp_path: Path, metadata: MetaData, todos: Table
) -> None:
    env = Environment(
        node_env="local", app_name="demo", database_url=f"sqlite+aiosqlite:///{tmp_path / 'todos.sqlite3'}"
    )

    @Module(
        imports=[
            ConfigModule.for_root(env),
            SqlModule.register(metadata=metadata, create_tables=True),
            FeatureModule,
        ]
    )
    class RootModule: ...

    container = await Container.create(RootModule)
    await container.initialize()
    try:
        async with container.get(TodoProjection).database.connect() as connection:
            assert (await connection.execute(select(todos))).all() == []
    finally:
        await container.close()


async def test_a_missing_url_stops_the_start() -> None:
    env = Environment(node_env="prod", app_name="demo")

    @Module(imports=[ConfigModule.for_root(env), SqlModule.register()])
    class RootModule: ...

    with pytest.raises(DatabaseNotConfiguredError, match="DATABASE_URL"):
        await Container.create(RootModule)
