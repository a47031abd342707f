"""`EntryCompletion`: what a caller may leave out of an entry of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from ulid_transform import ulid_now

from cqrs_nest.commands import DataService, DetailKey, master_pk
from cqrs_nest.common import Injectable
from cqrs_nest.context import Caller
from cqrs_nest_master.callers_tenant import callers_tenant
from cqrs_nest_master.dto.data_dto import CreateMasterDataDto, MasterDataCreateDto
from cqrs_nest_master.master_items import MasterItems
from cqrs_nest_master.master_keys import data_key, entries_of


@Injectable()
class EntryCompletion:
    """Finds tenant, code and `seq`, the place of an entry among the others of its setting.

    `seq` is an order and no identity. Entries that are created at the same time, or before the one that was
    created last is applied, may get the same one; their codes, which are in the order of time, then decide.
    """

    def __init__(self, items: MasterItems, data: DataService) -> None:
        self._items = items
        self._data = data

    async def complete(
        self, items: Sequence[MasterDataCreateDto], *, keep_seq: bool, **caller: Unpack[Caller]
    ) -> list[CreateMasterDataDto]:
        """The entries, of which those without a `seq` come after all others, one after the other.

        With `keep_seq` an entry that is there already stays in its place.
        """
        stored: dict[tuple[str, str], int] = {}
        used: dict[tuple[str, str], int] = {}
        complete: list[CreateMasterDataDto] = []
        for item in items:
            setting = item.tenant_code or callers_tenant(**caller), item.setting_code
            code = item.code or ulid_now()
            seq, attributes = item.seq, item.attributes
            if not seq:
                seq = await self._seq_of(data_key(*setting, code), **caller) if keep_seq else None
                if seq is None:
                    if setting not in stored:
                        stored[setting] = await self._highest_seq(*setting, **caller)
                    seq = max(stored[setting], used.get(setting, 0)) + 1
                attributes = {**attributes, "seq": seq}
            used[setting] = max(seq, used.get(setting, 0))
            complete.append(
                CreateMasterDataDto(
                    tenant_code=setting[0],
                    setting_code=item.setting_code,
                    code=code,
                    name=item.name,
                    seq=seq,
                    attributes=attributes,
                )
            )
        return complete

    async def _seq_of(self, key: DetailKey, **caller: Unpack[Caller]) -> int | None:
        newest = await self._items.newest(key, **caller)
        return (newest.seq or None) if newest else None

    async def _highest_seq(self, tenant_code: str, setting_code: str, **caller: Unpack[Caller]) -> int:
        entries = self._data.iterate_items_by_pk(
            master_pk(tenant_code),
            sk=entries_of(setting_code),
            allow_cross_tenant=caller.get("allow_cross_tenant", False),
        )
        return max([entry.seq or 0 async for entry in entries], default=0)
