"""`Repository`: reads in which users see what they have just published, applied or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, Order
from cqrs_nest.commands.data_service import DEFAULT_PAGE_SIZE, DataService
from cqrs_nest.commands.key_checks import check_read
from cqrs_nest.commands.keys import (
    KEY_SEPARATOR,
    add_sort_key_version,
    generate_id,
    remove_sort_key_version,
    sort_key_from_id,
)
from cqrs_nest.commands.models import DataEntity, DataList
from cqrs_nest.commands.rows import Row, data_row
from cqrs_nest.commands.sessions import SessionService
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.context import Invoke, current_invoke, ensure_tenant
from cqrs_nest.context.tenants import acting_tenant

T = TypeVar("T")


@dataclass(frozen=True)
class ItemPage(Generic[T]):
    """A page of another store's items and how many there are in all."""

    items: Sequence[T]
    total: int


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule.register(table_name=...) to the imports of {module}")
@Injectable()
class Repository:
    """Reads of `DataService` with the caller's own pending commands put over them.

    It works while `RYW_SESSION_TTL_MINUTES` is set and the caller has a user id; otherwise it is
    `DataService`. Without `invoke_context` the caller is that of the current request.
    """

    def __init__(
        self, table: CommandTable, data: DataService, sessions: SessionService, dynamodb: DynamoDbService
    ) -> None:
        self._table = table
        self._data = data
        self._sessions = sessions
        self._dynamodb = dynamodb

    async def get_item(
        self, *, pk: str, sk: str, invoke_context: Invoke | None = None, allow_cross_tenant: bool = False
    ) -> DataEntity | None:
        """An item as it will be once the caller's command is applied; a deletion shows as `is_deleted`."""
        check_read(pk, sk, allow_cross_tenant, invoke_context)
        version, item = await asyncio.gather(
            self._sessions.get(_user(invoke_context), pk, sk),
            self._data.get_item(pk=pk, sk=sk, allow_cross_tenant=allow_cross_tenant),
        )
        if version is None or (item is not None and item.version >= version):
            return item
        key = {"pk": pk, "sk": add_sort_key_version(sk, version)}
        command = await self._dynamodb.get_item(self._table.command, key)
        return item if command is None else _applied(command, item)

    async def list_items_by_pk(
        self,
        pk: str,
        *,
        latest: bool = True,
        sk: Condition | None = None,
        limit: int = DEFAULT_PAGE_SIZE,
        start_from_sk: str | None = None,
        order: Order = "asc",
        include_deleted: bool = True,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> DataList:
        """A page with the caller's pending commands: changed items in their place, deleted ones gone.

        New items come first, the newest at the top, whether they belong to the page or not, so a page
        may be longer than `limit`. `latest=False` leaves pending commands out.
        """
        check_read(pk, start_from_sk, allow_cross_tenant, invoke_context)
        page, versions = await asyncio.gather(
            self._data.list_items_by_pk(
                pk,
                sk=sk,
                limit=limit,
                start_from_sk=start_from_sk,
                order=order,
                include_deleted=include_deleted,
                allow_cross_tenant=allow_cross_tenant,
            ),
            self._sessions.list_by_user(_user(invoke_context) if latest else None, pk),
        )
        listed = {item.sk: item for item in page.items}
        pending = await self._pending(pk, versions, listed)
        shown = {item.sk: item for item in page.items} | pending
        added = [pending[key] for key in pending if key not in listed]
        added.sort(key=_updated, reverse=True)
        items = [*added, *(shown[key] for key in listed)]
        return DataList(
            [item for item in items if not (item.is_deleted and item.sk in pending)], page.last_sk
        )

    async def list_items(
        self,
        find: Callable[[], Awaitable[ItemPage[T]]],
        *,
        id_of: Callable[[T], str],
        version_of: Callable[[T], int] | None = None,
        apply: Callable[[DataEntity, T | None], T],
        matches: Callable[[DataEntity], bool] = lambda item: True,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> ItemPage[T]:
        """A page of another store, such as an SQL read model, with the caller's pending commands.

        `find` reads the page; `id_of` gives an item's id (`pk#sk`) and `version_of`, where items know it,
        the version they show. `apply` makes an item of what a pending command leads to and the item that
        is listed (None: none). Items that are new among those that `matches`, which says of an item what
        `find` is asked for, come first, the newest at the top; deleted ones leave, and `total` follows. The
        commands are those of the tenant that `invoke_context` acts for.
        """
        invoke = invoke_context or current_invoke.get()
        tenant = acting_tenant(invoke) if invoke else None
        of_tenant = f"{KEY_SEPARATOR}{tenant or ''}"
        ensure_tenant(of_tenant, allow_cross_tenant, reading=True, invoke=invoke_context)
        page, versions = await asyncio.gather(
            find(), self._sessions.list_by_user(_user(invoke), of_tenant if tenant else "")
        )
        listed = {id_of(item): item for item in page.items}
        shown = {} if version_of is None else {key: version_of(item) for key, item in listed.items()}
        keys = [
            _command_key(key, version, tenant)
            for key, version in versions.items()
            if shown.get(key, -1) < version
        ]
        commands, elsewhere = await asyncio.gather(
            self._commands([key for key in keys if key is not None]),
            self._elsewhere([key for key in keys if key is not None], listed, matches),
        )
        # What is applied shows in the other store already, on this page or on another one.
        pending = {
            str(command["id"]): _applied(command, None)
            for command in commands
            if command.get("status") != FINISHED
        }
        added = [
            entity
            for key, entity in pending.items()
            if key not in listed and key not in elsewhere and _is_found(entity, matches)
        ]
        added.sort(key=_updated, reverse=True)
        gone = {key for key, entity in pending.items() if key in listed and entity.is_deleted}
        kept = [
            apply(pending[key], item) if key in pending else item
            for key, item in listed.items()
            if key not in gone
        ]
        items = [*(apply(entity, None) for entity in added), *kept]
        left = {key for key in elsewhere if key in pending and not _is_found(pending[key], matches)}
        return ItemPage(items, page.total + len(added) - len(gone) - len(left))

    async def _elsewhere(
        self,
        commands: Sequence[Mapping[str, str]],
        listed: Collection[str],
        matches: Callable[[DataEntity], bool],
    ) -> set[str]:
        """The ids of items that are on other pages: they match as they are now, and are not listed."""
        keys = [{"pk": key["pk"], "sk": remove_sort_key_version(key["sk"])} for key in commands]
        wanted = [key for key in keys if generate_id(**key) not in listed]
        rows = await self._dynamodb.batch_get_items(self._table.data, wanted) if wanted else []
        entities = map(DataEntity.from_row, rows)
        return {generate_id(entity.pk, entity.sk) for entity in entities if _is_found(entity, matches)}

    async def _pending(
        self, pk: str, versions: Mapping[str, int], listed: Mapping[str, DataEntity]
    ) -> dict[str, DataEntity]:
        """What the commands of the sessions will make of their items, by sort key, as far as it is due."""
        wanted = {
            sk: version
            for item_id, version in versions.items()
            if (sk := sort_key_from_id(pk, item_id)) is not None
            and (sk not in listed or listed[sk].version < version)
        }
        keys = [{"pk": pk, "sk": add_sort_key_version(sk, version)} for sk, version in wanted.items()]
        commands = await self._commands(keys)
        entities: dict[str, DataEntity] = {}
        for command in commands:
            sk = remove_sort_key_version(command["sk"])
            # An applied command whose item is not listed stands on another page.
            if sk in listed or command.get("status") != FINISHED:
                entities[sk] = _applied(command, listed.get(sk))
        return entities

    async def _commands(self, keys: Sequence[Mapping[str, str]]) -> list[Row]:
        """The commands of the keys that exist, in their order: DynamoDB answers in any."""
        found = await self._dynamodb.batch_get_items(self._table.command, keys)
        rows = {(row["pk"], row["sk"]): row for row in found}
        return [rows[place] for key in keys if (place := (key["pk"], key["sk"])) in rows]


def _command_key(item_id: str, version: int, tenant: str | None) -> dict[str, str] | None:
    """The key of an item's command; None for an id that is not `TYPE#tenant#sk` of the caller's tenant."""
    kind, _, rest = item_id.partition(KEY_SEPARATOR)
    owner, separator, sk = rest.partition(KEY_SEPARATOR)
    if not separator or owner.lower() != tenant:
        return None
    return {"pk": f"{kind}{KEY_SEPARATOR}{owner}", "sk": add_sort_key_version(sk, version)}


def _is_found(item: DataEntity, matches: Callable[[DataEntity], bool]) -> bool:
    return not item.is_deleted and matches(item)


def _updated(item: DataEntity) -> float:
    return item.updated_at.timestamp() if item.updated_at else 0


def _user(invoke: Invoke | None) -> str | None:
    invoke = invoke or current_invoke.get()
    return invoke.user_id if invoke else None


def _applied(command: Row, item: DataEntity | None) -> DataEntity:
    existing = None if item is None else item.to_row()
    return DataEntity.from_row(data_row(command, existing, csk=command["sk"]))
