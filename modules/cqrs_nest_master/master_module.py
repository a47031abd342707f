"""`MasterModule`: settings and master data, and their routes if the application wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cqrs_nest.aws import AwsModule, AwsResources, TableResource
from cqrs_nest.commands import CommandModule
from cqrs_nest.common import DynamicModule, Guards, Import, Logger, Module, Token, mounted, provide
from cqrs_nest.core import InvalidModuleError
from cqrs_nest.read_models import SqlDatabase
from cqrs_nest_master.controllers.master_bulk_controller import MasterBulkController
from cqrs_nest_master.controllers.master_data_controller import MasterDataController
from cqrs_nest_master.controllers.master_setting_controller import MasterSettingController
from cqrs_nest_master.effective_setting import TENANT_TABLE, EffectiveSettings
from cqrs_nest_master.entry_completion import EntryCompletion
from cqrs_nest_master.master_bulk_service import MasterBulkService
from cqrs_nest_master.master_data_service import MasterDataService
from cqrs_nest_master.master_items import MasterItems
from cqrs_nest_master.master_keys import MASTER_TABLE
from cqrs_nest_master.master_search import MasterSearch, NoMasterSearch
from cqrs_nest_master.master_setting_service import MasterSettingService
from cqrs_nest_master.read_model import MasterProjection, SqlMasterSearch
from cqrs_nest_master.ttl_configurations import TtlConfigurations

CONTROLLERS = (MasterSettingController, MasterDataController, MasterBulkController)
SERVICES = (MasterSettingService, MasterDataService, MasterBulkService, TtlConfigurations)
PARTS = (MasterItems, EntryCompletion, EffectiveSettings)


@Module(imports=[AwsModule], providers=[*SERVICES, *PARTS], exports=SERVICES)
class MasterModule:
    """Provides `MasterSettingService` and `MasterDataService`; import what `register` gives."""

    @classmethod
    def register(
        cls,
        *,
        enable_controller: bool = False,
        data_sync_handlers: Sequence[type[Any]] = (),
        database: SqlDatabase | None = None,
        sql: bool = True,
        table_name: str = MASTER_TABLE,
        copies: bool = True,
        guards: Guards | None = None,
        imports: Sequence[Import] = (),
        is_global: bool = False,
    ) -> DynamicModule:
        """Master data in the command table `master`, and in the SQL table `masters` for searches.

        `database` keeps that table; without it the application's `SqlModule` does. `sql=False` does without:
        searches then answer 501. `data_sync_handlers` are built with the exports of `imports`.
        `enable_controller` adds the routes and, with `copies`, copying to other tenants, for which the
        application imports `TaskModule`. `guards` stand in the place of the default: a caller's own tenant
        only, and `system_admin` for every change.

        Raises InvalidModuleError for another `table_name` with `sql`.
        """
        given = [] if database is None else [_database_module(provide(SqlDatabase, use_value=database))]
        return cls._of(
            [*given, *imports],
            enable_controller,
            data_sync_handlers,
            sql,
            table_name,
            copies,
            guards,
            is_global,
        )

    @classmethod
    def register_async(
        cls,
        *,
        use_factory: Callable[..., SqlDatabase] | Callable[..., Awaitable[SqlDatabase]],
        inject: Sequence[Token] | None = None,
        imports: Sequence[Import] = (),
        enable_controller: bool = False,
        data_sync_handlers: Sequence[type[Any]] = (),
        table_name: str = MASTER_TABLE,
        copies: bool = True,
        guards: Guards | None = None,
        is_global: bool = False,
    ) -> DynamicModule:
        """The same with a database that is made when the application is built; the factory gets `inject`."""
        database = provide(SqlDatabase, use_factory=use_factory, inject=inject)
        given = _database_module(database, imports)
        return cls._of(
            [given, *imports],
            enable_controller,
            data_sync_handlers,
            True,
            table_name,
            copies,
            guards,
            is_global,
        )

    @classmethod
    def _of(
        cls,
        imports: Sequence[Import],
        enable_controller: bool,
        data_sync_handlers: Sequence[type[Any]],
        sql: bool,
        table_name: str,
        copies: bool,
        guards: Guards | None,
        is_global: bool,
    ) -> DynamicModule:
        _check_table(table_name, sql)
        projection, search = ([MasterProjection], SqlMasterSearch) if sql else ([], NoMasterSearch)
        table = CommandModule.register(
            table_name=table_name, data_sync_handlers=[*projection, *data_sync_handlers], imports=imports
        )
        copy_controllers, copy_providers = _copying() if enable_controller and copies else ((), ())
        routes = (*CONTROLLERS, *copy_controllers) if enable_controller else ()
        return DynamicModule(
            cls,
            imports=[table, *imports],
            controllers=[mounted(each, guards=guards) for each in routes],
            providers=[
                provide(MasterSearch, use_class=search),
                provide(AwsResources, use_value=_resources(table_name)),
                *copy_providers,
            ],
            is_global=is_global,
        )


def _copying() -> tuple[Sequence[type[Any]], Sequence[type[Any]]]:
    # Imported here: tasks are for those who copy.
    from cqrs_nest_master.controllers.master_copy_controller import MasterCopyController, MasterTaskController
    from cqrs_nest_master.master_copy_handler import MasterCopyHandler
    from cqrs_nest_master.master_copy_service import MasterCopyService

    return (MasterCopyController, MasterTaskController), (MasterCopyService, MasterCopyHandler)


def _resources(table_name: str) -> AwsResources:
    """What looking a setting up reads besides the table's own services; there may be no tenants' table."""
    return AwsResources(
        tables=[
            TableResource(f"{table_name}-data", calls=["BatchGetItem"]),
            TableResource(f"{TENANT_TABLE}-data", calls=["GetItem"], is_optional=True),
        ]
    )


@Module()
class MasterDatabaseModule:
    """Carries the database that `MasterModule` was given."""


def _database_module(database: Any, imports: Sequence[Import] = ()) -> DynamicModule:
    return DynamicModule(MasterDatabaseModule, imports=imports, providers=[database], exports=[SqlDatabase])


def _check_table(table_name: str, sql: bool) -> None:
    if table_name == MASTER_TABLE:
        return
    if sql:
        raise InvalidModuleError(
            f"MasterModule.register(table_name={table_name!r}) has no read model: masters is kept in SQL "
            f"of the command table {MASTER_TABLE}.\nFix: leave table_name out, or add sql=False."
        )
    Logger("MasterModule").warn(
        "the master table is called %s: expiry and sequences read their settings from %s-data all the same",
        table_name,
        MASTER_TABLE,
    )
