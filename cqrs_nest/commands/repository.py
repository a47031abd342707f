"""`Repository`: reads in which users see what they have just published, applied or not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, Order
from cqrs_nest.commands.data_service import DEFAULT_PAGE_SIZE, DataService
from cqrs_nest.commands.keys import add_sort_key_version, remove_sort_key_version, sort_key_from_id
from cqrs_nest.commands.models import DataEntity, DataList
from cqrs_nest.commands.rows import Row, data_row
from cqrs_nest.commands.sessions import SessionService
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.context import Invoke, current_invoke


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
        added.sort(key=lambda item: item.updated_at.timestamp() if item.updated_at else 0, reverse=True)
        items = [*added, *(shown[key] for key in listed)]
        return DataList(
            [item for item in items if not (item.is_deleted and item.sk in pending)], page.last_sk
        )

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
        commands = await self._dynamodb.batch_get_items(self._table.command, keys)
        entities: dict[str, DataEntity] = {}
        for command in commands:
            sk = remove_sort_key_version(command["sk"])
            # An applied command whose item is not listed stands on another page.
            if sk in listed or command.get("status") != FINISHED:
                entities[sk] = _applied(command, listed.get(sk))
        return entities


def _user(invoke: Invoke | None) -> str | None:
    invoke = invoke or current_invoke.get()
    return invoke.user_id if invoke else None


def _applied(command: Row, item: DataEntity | None) -> DataEntity:
    existing = None if item is None else item.to_row()
    return DataEntity.from_row(data_row(command, existing, csk=command["sk"]))
