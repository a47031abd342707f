"""`CommandService`: publishes commands and reads them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias, Unpack

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import ITEM_EXISTS, TableType, is_condition_failure
from cqrs_nest.aws.dynamodb.service import Reading
from cqrs_nest.commands.async_publisher import AsyncPublisher
from cqrs_nest.commands.consistency import ProjectionWaiter, Waiting
from cqrs_nest.commands.errors import ITEM_NOT_FOUND, NOT_FOUND_OR_MISMATCH, VersionConflictException
from cqrs_nest.commands.expectation import Expect
from cqrs_nest.commands.key_checks import check_published_key, check_read
from cqrs_nest.commands.keys import (
    VERSION_LATEST,
    DetailKey,
    add_sort_key_version,
    get_sort_key_version,
    get_tenant_code,
    remove_sort_key_version,
)
from cqrs_nest.commands.latest_command import LatestCommand
from cqrs_nest.commands.messages import CommandMessages
from cqrs_nest.commands.models import CommandInput, CommandModel
from cqrs_nest.commands.partial_update import check_attributes, merged, refuse_new
from cqrs_nest.commands.publication import Publication, check_publication
from cqrs_nest.commands.registry import CommandTableRegistry
from cqrs_nest.commands.replay import Replay
from cqrs_nest.commands.retries import DEFAULT_RETRIES, retry_conflicts
from cqrs_nest.commands.rows import Row, merge_base
from cqrs_nest.commands.sync_publisher import SyncPublisher
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.context import Invoke, ensure_system, ensure_tenant

Published: TypeAlias = CommandInput | Mapping[str, Any]
"""What is published: an object, or a mapping with the names of the wire."""

Changes: TypeAlias = "Published | None"
Change: TypeAlias = "Callable[[CommandModel | None], Changes | Awaitable[Changes]]"
"""What `update` is given: from what is there to what is to change."""

DUPLICATED = "duplicated"


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule.register(table_name=...) to the imports of {module}")
@Injectable()
class CommandService:
    """Publishes and reads the commands of one registered table.

    Every publish checks its input before anything is written, gives None when it would change nothing,
    and raises VersionConflictException (409) when somebody else was there first. With the `request_id` of an
    earlier publish of the same item, at most ten minutes ago, it changes nothing and gives that one's result.

    `invoke_context` names
    the caller for the audit fields; without it the current request's is taken. Keys must belong to the
    caller's tenant, unless `allow_cross_tenant=True` says that they need not (ForbiddenException).

        command = await command_service.publish_async(
            CommandInput(pk="TODO#acme", sk="A1", id="TODO#acme#A1", name="Buy milk", type="TODO"),
            invoke_context=context,
        )
    """

    def __init__(
        self,
        table: CommandTable,
        dynamodb: DynamoDbService,
        async_publisher: AsyncPublisher,
        sync_publisher: SyncPublisher,
        latest: LatestCommand,
        messages: CommandMessages,
        ttl: TtlService,
        registry: CommandTableRegistry,
        replay: Replay,
        waiter: ProjectionWaiter,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._async = async_publisher
        self._sync = sync_publisher
        self._latest = latest
        self._messages = messages
        self._ttl = ttl
        self._registry = registry
        self._replay = replay
        self._waiter = waiter

    @property
    def table_name(self) -> str:
        """The table as it was registered."""
        return self._table.name

    async def publish_async(
        self,
        command: Published,
        *,
        invoke_context: Invoke | None = None,
        source: str | None = None,
        request_id: str | None = None,
        allow_cross_tenant: bool = False,
        **waiting: Unpack[Waiting],
    ) -> CommandModel | None:
        """Write a command; the pipeline applies it soon after.

        `version` 0 creates, a version builds on exactly that command, -1 on the newest one.

        With `consistency="strong"` it returns when the command is applied and the `projections` (data
        sync handlers; None: all of the table) have taken it over. Raises NotAppliedException when that
        takes longer than `timeout` seconds (5); the command is accepted all the same.
        """
        publication = check_publication(command, invoke_context, source, request_id, allow_cross_tenant)
        awaited = self._waiter.awaited(**waiting)
        published = await self._async.publish(publication, await self._base(publication))
        return await self._waiter.applied(published, awaited)

    async def publish_sync(
        self,
        command: Published,
        *,
        invoke_context: Invoke | None = None,
        source: str | None = None,
        request_id: str | None = None,
        allow_cross_tenant: bool = False,
    ) -> CommandModel | None:
        """Write a command and apply it at once, in one transaction; custom handlers run before it returns.

        `version` is that of the data row (0 when there is none), or -1 for whatever is there. Commands
        that still wait for the pipeline make it fail with VersionConflictException; those that never will be
        applied are passed over. When a custom handler fails, its error is raised although the command is
        applied; the command then has the status `publish_sync:FAILED`.
        """
        publication = check_publication(command, invoke_context, source, request_id, allow_cross_tenant)
        return await self._sync.publish(publication, await self._data_row(publication.key))

    async def publish_partial_update_async(
        self,
        changes: Published,
        *,
        invoke_context: Invoke | None = None,
        source: str | None = None,
        request_id: str | None = None,
        allow_cross_tenant: bool = False,
        **waiting: Unpack[Waiting],
    ) -> CommandModel | None:
        """Merge changes into a command and write the result; see `merge` for the rules.

        `version` is that of the command to build on; 0 and -1 mean the newest one. Raises
        BadRequestException when there is no such command. It can wait like `publish_async`.
        """
        publication = check_publication(changes, invoke_context, source, request_id, allow_cross_tenant)
        awaited = self._waiter.awaited(**waiting)
        version = publication.version
        refuse_new(version)
        stored = await (
            self._command_row(publication.key, version, "load or keep")
            if version > 0
            else self._latest.find(publication.key, "load or keep")
        )
        if stored is None:
            raise BadRequestException(ITEM_NOT_FOUND)
        published = await self._async.publish(merged(publication, stored), stored)
        return await self._waiter.applied(published, awaited)

    async def publish_partial_update_sync(
        self,
        changes: Published,
        *,
        invoke_context: Invoke | None = None,
        source: str | None = None,
        request_id: str | None = None,
        allow_cross_tenant: bool = False,
    ) -> CommandModel | None:
        """Merge changes into the data row and apply the result at once.

        `version` must be that of the data row, or `Expect.any()`. Raises BadRequestException when there is
        no data row, VersionConflictException when it has another version.
        """
        publication = check_publication(changes, invoke_context, source, request_id, allow_cross_tenant)
        refuse_new(publication.version)
        existing = await self._data_row(publication.key)
        is_any = publication.version == VERSION_LATEST
        if existing is None or (is_any and not isinstance(publication.version, Expect)):
            raise BadRequestException(NOT_FOUND_OR_MISMATCH)
        if not (is_any or publication.has_made(existing) or existing["version"] == publication.version):
            raise VersionConflictException(
                publication.key,
                publication.version,
                existing["version"],
                message=NOT_FOUND_OR_MISMATCH,
                status=self._stale_status,
            )
        return await self._sync.publish(merged(publication, existing), existing)

    async def update(
        self,
        key: DetailKey,
        change: Change,
        *,
        retries: int = DEFAULT_RETRIES,
        sync: bool = False,
        invoke_context: Invoke | None = None,
        source: str | None = None,
        request_id: str | None = None,
        allow_cross_tenant: bool = False,
        **waiting: Unpack[Waiting],
    ) -> CommandModel | None:
        """Read an item, let `change` say what becomes of it, and publish that; anew when somebody was faster.

        `change` gets the newest command (with `sync` the data row), or None for an item that is not there.
        It gives the changes, which are merged as in a partial update, or the whole new item; None leaves
        everything as it is. It runs once for each attempt and may be async. It can wait like
        `publish_async`. Raises VersionConflictException when `retries` more attempts were not enough.

            await command_service.update(
                DetailKey(pk, sk), lambda item: {"attributes": {"count": item.attributes["count"] + 1}}
            )
        """
        key = check_published_key(*key)
        ensure_tenant(key.pk, allow_cross_tenant, invoke=invoke_context)
        awaited = self._waiter.awaited(**waiting)

        async def attempt() -> CommandModel | None:
            stored = await (self._data_row(key) if sync else self._latest.find(key, "load or keep"))
            check_attributes(stored)
            wanted = change(_model(stored))
            changes = await wanted if inspect.isawaitable(wanted) else wanted
            if changes is None:
                return None
            row = changes.to_row() if isinstance(changes, CommandInput) else changes
            row = {**row, **key.row(), "version": stored["version"] if stored else 0}
            publication = check_publication(row, invoke_context, source, request_id, allow_cross_tenant)
            if stored is not None:
                publication = merged(publication, stored)
            return await (self._sync if sync else self._async).publish(publication, stored)

        return await self._waiter.applied(await retry_conflicts(attempt, retries), awaited)

    async def duplicate(
        self,
        *,
        pk: str,
        sk: str,
        invoke_context: Invoke | None = None,
        request_id: str | None = None,
        allow_cross_tenant: bool = False,
        **waiting: Unpack[Waiting],
    ) -> CommandModel:
        """Publish a command once more as the next version, so that the pipeline applies it again.

        `sk` with a version names the command, without one the newest. Raises BadRequestException
        when there is none. It can wait like `publish_async`.
        """
        awaited = self._waiter.awaited(**waiting)
        publication = check_publication(
            {"pk": pk, "sk": sk}, invoke_context, DUPLICATED, request_id, allow_cross_tenant
        )
        stored = await self._stored(DetailKey(pk, sk))
        if stored is None:
            raise BadRequestException(ITEM_NOT_FOUND)
        origin, version = publication.origin, stored["version"]
        audit = {
            "source": DUPLICATED,
            "requestId": origin.request_id,
            "updatedAt": origin.at,
            "updatedBy": origin.user_id,
            "updatedIp": origin.ip,
        }
        command = {
            **merge_base(stored, {"ttl": None}),
            **{name: value for name, value in audit.items() if value is not None},
            "sk": add_sort_key_version(sk, version + 1),
            "version": version + 1,
        }
        row = await self._async.write(publication, command, expected=version)
        return await self._waiter.applied(CommandModel.from_row(row), awaited)

    async def re_sync_data(self) -> None:
        """Give every data row to the custom handlers once more: to fill a new store, or to mend one.

        Handlers with a method `replay`, such as SQL projections, get it there, others by `up`. Parts of the
        table are read side by side. The rows are those of all tenants, so ForbiddenException is raised
        within a request, unless a `system_context` says that the request is not who acts.
        """
        ensure_system("re_sync_data")
        handlers = [handler.instance for handler in self._registry.handlers(self._table.name)]
        await self._replay.give_to(handlers)

    async def get_item(
        self, *, pk: str, sk: str, consistent_read: bool = False, allow_cross_tenant: bool = False
    ) -> CommandModel | None:
        """One command: that of the version in the sort key, or the newest."""
        check_read(pk, sk, allow_cross_tenant)
        return _model(await self._stored(DetailKey(pk, sk), consistent_read))

    async def get_latest_item(
        self, *, pk: str, sk: str, allow_cross_tenant: bool = False
    ) -> CommandModel | None:
        """The newest command of an item, applied or not."""
        check_read(pk, sk, allow_cross_tenant)
        return _model(await self._latest.find(DetailKey(pk, remove_sort_key_version(sk))))

    async def get_next_command(
        self, *, pk: str, sk: str, allow_cross_tenant: bool = False
    ) -> CommandModel | None:
        """The command after the one whose version stands in the sort key."""
        check_read(pk, sk, allow_cross_tenant)
        version = get_sort_key_version(sk)
        return _model(await self._command_row(DetailKey(pk, remove_sort_key_version(sk)), version + 1))

    async def update_status(self, *, pk: str, sk: str, status: str, notify_id: str | None = None) -> None:
        """Set a command's status and send `command-status`.

        Raises ClientError `ConditionalCheckFailedException` when there is no such command.
        """
        ensure_tenant(pk)
        row = await self._dynamodb.update_item(
            self._table.command, {"pk": pk, "sk": sk}, set={"status": status}, condition=ITEM_EXISTS
        )
        await self._messages.publish_status(row, status, notify_id)

    async def update_ttl(self, *, pk: str, sk: str) -> None:
        """Let the command before the one of `sk` expire as configured, if it is still there."""
        ensure_tenant(pk)
        version = get_sort_key_version(sk)
        if version <= 1:
            return
        ttl = await self._ttl.calculate_ttl(TableType.COMMAND, get_tenant_code(pk))
        key = {"pk": pk, "sk": add_sort_key_version(sk, version - 1)}
        try:
            await self._dynamodb.change_item(
                self._table.command, key, set={"ttl": ttl}, condition=ITEM_EXISTS, touch=False
            )
        except Exception as error:
            if not is_condition_failure(error):
                raise

    async def update_task_token(self, *, pk: str, sk: str, token: str) -> None:
        """Store the token with which a waiting execution is resumed."""
        ensure_tenant(pk)
        await self._dynamodb.change_item(
            self._table.command, {"pk": pk, "sk": sk}, set={"taskToken": token}, condition=ITEM_EXISTS
        )

    async def _base(self, publication: Publication) -> Row | None:
        """The command that an asynchronous publish builds on; a new item needs no read."""
        version = publication.version
        if version == 0:
            return None
        if version == VERSION_LATEST:
            return await self._latest.find(publication.key, "load or keep")
        stored = await self._command_row(publication.key, version, "load or keep")
        if stored is None:
            raise VersionConflictException(publication.key, version, status=self._stale_status)
        return stored

    async def _stored(self, key: DetailKey, consistent_read: bool = False) -> Row | None:
        if get_sort_key_version(key.sk) == VERSION_LATEST:
            return await self._latest.find(key)
        return await self._dynamodb.get_item(self._table.command, key.row(), consistent_read)

    async def _command_row(self, key: DetailKey, version: int, attributes: Reading = "load") -> Row | None:
        row_key = {"pk": key.pk, "sk": add_sort_key_version(key.sk, version)}
        return await self._dynamodb.get_item(
            self._table.command, row_key, consistent_read=True, attributes=attributes
        )

    async def _data_row(self, key: DetailKey) -> Row | None:
        return await self._dynamodb.get_item(
            self._table.data, key.row(), consistent_read=True, attributes="load or keep"
        )

    @property
    def _stale_status(self) -> HTTPStatus:
        return HTTPStatus.BAD_REQUEST if self._table.options.legacy_status_codes else HTTPStatus.CONFLICT


def _model(row: Row | None) -> CommandModel | None:
    return None if row is None else CommandModel.from_row(row)
