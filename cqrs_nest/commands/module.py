"""`CommandModule`: the services of one table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from cqrs_nest.aws import AwsModule
from cqrs_nest.commands.abandoned_commands import AbandonedCommands
from cqrs_nest.commands.application import CommandApplication
from cqrs_nest.commands.async_publisher import AsyncPublisher
from cqrs_nest.commands.command_service import CommandService
from cqrs_nest.commands.consistency import InlineApplication, ProjectionWaiter
from cqrs_nest.commands.data_service import DataService
from cqrs_nest.commands.history_service import HistoryService
from cqrs_nest.commands.latest_command import LatestCommand
from cqrs_nest.commands.messages import CommandMessages
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.commands.registry import CommandTableRegistry
from cqrs_nest.commands.replay import Replay
from cqrs_nest.commands.repository import Repository
from cqrs_nest.commands.sessions import SessionService
from cqrs_nest.commands.sync_publisher import SyncPublisher
from cqrs_nest.commands.table import CommandTable, CommandTableOptions, EventsMode
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.config import Environment

SERVICES = (CommandService, DataService, HistoryService, Repository, TtlService)
_INTERNAL = (
    AbandonedCommands,
    AsyncPublisher,
    CommandApplication,
    CommandMessages,
    LatestCommand,
    ProjectionWaiter,
    PublishNotes,
    Replay,
    SessionService,
    SyncPublisher,
)


@Module(
    imports=[AwsModule],
    providers=[CommandTableRegistry, CommandTables, InlineApplication],
    exports=[CommandTableRegistry, CommandTables, InlineApplication],
)
class CommandTablesModule:
    """What the tables of an application share."""


@Module(imports=[AwsModule, CommandTablesModule])
class CommandModule:
    """The services of a table; import what `register` gives."""

    @classmethod
    def register(
        cls,
        *,
        table_name: str,
        data_sync_handlers: Sequence[type[Any]] = (),
        disable_default_handler: bool = False,
        events: EventsMode = "inline",
        legacy_status_codes: bool = False,
        imports: Sequence[Any] = (),
    ) -> DynamicModule:
        """CommandService, DataService, HistoryService, Repository and TtlService for `table_name`.

        `table_name` is the middle part of the three tables' names, `todo` for `dev-order-todo-command`.
        `data_sync_handlers` are built in this module, from its `imports`; handlers of other modules say
        `@DataSyncHandler("todo")`. `disable_default_handler`: the pipeline leaves the data table alone.
        `events`: who sends domain events, the publish ("inline"), the command table's stream ("stream")
        or nobody ("off"). `legacy_status_codes`: a stale version answers 400, as in the TypeScript
        framework, where it is 409 otherwise.
        """
        options = CommandTableOptions(
            table_name, tuple(data_sync_handlers), disable_default_handler, events, legacy_status_codes
        )
        return DynamicModule(
            module=cls,
            imports=imports,
            providers=[
                provide(CommandTable, use_factory=partial(CommandTable.of, options), inject=[Environment]),
                *SERVICES,
                *_INTERNAL,
                *options.handlers,
            ],
            exports=SERVICES,
        )
