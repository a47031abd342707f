"""Commands: publishing them, applying them, and reading what they made of the items."""

from cqrs_nest.aws import REMOVE
from cqrs_nest.commands.application import CommandApplication
from cqrs_nest.commands.command_service import CommandService
from cqrs_nest.commands.consistency import (
    AwaitedProjections,
    Consistency,
    InlineApplication,
    NotAppliedException,
)
from cqrs_nest.commands.data_service import DataService
from cqrs_nest.commands.data_sync_handler import (
    DATA_SYNC_HANDLER,
    DataSyncHandler,
    IDataSyncHandler,
    IReplayable,
    replay_of,
)
from cqrs_nest.commands.detail_keys import DetailKeys
from cqrs_nest.commands.dtos import DetailDto, PaginateDto, SearchDto, TenantCode
from cqrs_nest.commands.errors import LostAttributesException, VersionConflictException
from cqrs_nest.commands.expectation import Expect
from cqrs_nest.commands.history_service import HistoryService
from cqrs_nest.commands.keys import (
    DEFAULT_TENANT_CODE,
    KEY_SEPARATOR,
    VERSION_FIRST,
    VERSION_LATEST,
    VERSION_SEPARATOR,
    CommandKey,
    DetailKey,
    add_sort_key_version,
    generate_id,
    get_command_source,
    get_sort_key_version,
    get_tenant_code,
    master_pk,
    remove_sort_key_version,
    sort_key_from_id,
    ttl_sk,
)
from cqrs_nest.commands.merge import Replace, merge
from cqrs_nest.commands.messages import CommandMessages
from cqrs_nest.commands.models import CommandInput, CommandModel, DataEntity, DataList
from cqrs_nest.commands.module import CommandModule, CommandTablesModule
from cqrs_nest.commands.registry import CommandTableRegistry, RegisteredHandler, RegisteredTable
from cqrs_nest.commands.replay import Replay, ReplayedItem, ReplaySource
from cqrs_nest.commands.repository import ItemPage, Repository
from cqrs_nest.commands.retry_policy import RetryPolicy
from cqrs_nest.commands.sessions import SessionService
from cqrs_nest.commands.table import CommandTable, EventsMode
from cqrs_nest.commands.tenant_key import TenantKey
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.commands.wire_model import WireModel

__all__ = [
    "DATA_SYNC_HANDLER",
    "DEFAULT_TENANT_CODE",
    "KEY_SEPARATOR",
    "REMOVE",
    "VERSION_FIRST",
    "VERSION_LATEST",
    "VERSION_SEPARATOR",
    "AwaitedProjections",
    "CommandApplication",
    "CommandInput",
    "CommandKey",
    "CommandMessages",
    "CommandModel",
    "CommandModule",
    "CommandService",
    "CommandTable",
    "CommandTableRegistry",
    "CommandTablesModule",
    "Consistency",
    "DataEntity",
    "DataList",
    "DataService",
    "DataSyncHandler",
    "DetailDto",
    "DetailKey",
    "DetailKeys",
    "EventsMode",
    "Expect",
    "HistoryService",
    "IDataSyncHandler",
    "IReplayable",
    "InlineApplication",
    "ItemPage",
    "LostAttributesException",
    "NotAppliedException",
    "PaginateDto",
    "RegisteredHandler",
    "RegisteredTable",
    "Replace",
    "Replay",
    "ReplaySource",
    "ReplayedItem",
    "Repository",
    "RetryPolicy",
    "SearchDto",
    "SessionService",
    "TenantCode",
    "TenantKey",
    "TtlService",
    "VersionConflictException",
    "WireModel",
    "add_sort_key_version",
    "generate_id",
    "get_command_source",
    "get_sort_key_version",
    "get_tenant_code",
    "master_pk",
    "merge",
    "remove_sort_key_version",
    "replay_of",
    "sort_key_from_id",
    "ttl_sk",
]
