"""`MasterDataService`: the data of settings, such as the colours of a setting COLOUR."""

from __future__ import annotations

from typing import Any, Unpack

from cqrs_nest.commands import (
    CommandInput,
    CommandModel,
    DataEntity,
    DataService,
    DetailKey,
    generate_id,
    master_pk,
)
from cqrs_nest.common import BadRequestException, Injectable, NotFoundException
from cqrs_nest.context import Caller, Invoke
from cqrs_nest_master.callers_tenant import callers_tenant
from cqrs_nest_master.dto.data_dto import (
    CreateMasterDataDto,
    CustomMasterDataSearchDto,
    MasterDataCreateBulkDto,
    MasterDataCreateDto,
    MasterDataListEntity,
    MasterDataSearchDto,
    MasterDataUpdateDto,
)
from cqrs_nest_master.entry_completion import EntryCompletion
from cqrs_nest_master.master_items import MasterItems
from cqrs_nest_master.master_keys import COMMON_TENANT, MASTER_TYPE, data_key, entries_of
from cqrs_nest_master.master_search import MasterPage, MasterSearch

MISSING_DATA = "Master data not found"


@Injectable()
class MasterDataService:
    """Entries of settings as items of the master table. Every change is an asynchronous command.

    Keys must belong to the caller's tenant, unless `allow_cross_tenant=True` says that they need not
    (ForbiddenException); the common tenant's can be read by all.
    """

    def __init__(
        self, items: MasterItems, completion: EntryCompletion, data: DataService, search: MasterSearch
    ) -> None:
        self._items = items
        self._completion = completion
        self._data = data
        self._search = search

    async def list_by_setting_code(
        self, dto: MasterDataSearchDto, *, allow_cross_tenant: bool = False
    ) -> MasterDataListEntity:
        """A page of the entries of a setting from DynamoDB, of the common tenant unless another is named."""
        page = await self._data.list_items_by_pk(
            master_pk(dto.tenant_code or COMMON_TENANT),
            sk=entries_of(dto.setting_code),
            limit=dto.limit,
            start_from_sk=dto.start_from_sk,
            allow_cross_tenant=allow_cross_tenant,
        )
        return MasterDataListEntity(items=page.items, last_sk=page.last_sk)

    async def list_by_rds(
        self, dto: CustomMasterDataSearchDto, *, invoke_context: Invoke | None = None
    ) -> MasterPage:
        """Search the data of the caller's tenant in SQL."""
        return await self._search.data(callers_tenant(invoke_context=invoke_context), dto)

    async def get(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> DataEntity | None:
        """An entry, deleted or not; None when there is none."""
        return await self._data.get_item(pk=key.pk, sk=key.sk, allow_cross_tenant=allow_cross_tenant)

    async def get_detail(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> DataEntity:
        """An entry, deleted or not. Raises NotFoundException."""
        entry = await self.get(key, allow_cross_tenant=allow_cross_tenant)
        if entry is None:
            raise NotFoundException(MISSING_DATA)
        return entry

    async def create(self, dto: CreateMasterDataDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create an entry, or anew one that was deleted. Raises BadRequestException when it is there."""
        [command] = await self._items.create([_entry(dto)], _exists, **caller)
        return command

    async def upsert(self, dto: CreateMasterDataDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create or replace an entry; one that is the same already stays."""
        return await self._items.upsert(_entry(dto), **caller)

    async def create_setting(self, dto: MasterDataCreateDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create an entry; tenant, code and `seq` are found where they are not given."""
        bulk = MasterDataCreateBulkDto(items=[dto])
        [command] = await self.create_bulk(bulk, **caller)
        return command

    async def create_bulk(self, dto: MasterDataCreateBulkDto, **caller: Unpack[Caller]) -> list[CommandModel]:
        """Create all entries, or none when one of them is there (BadRequestException)."""
        complete = await self._completion.complete(dto.items, keep_seq=False, **caller)
        return await self._items.create([_entry(each) for each in complete], _exists, **caller)

    async def upsert_setting(self, dto: MasterDataCreateDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create or replace an entry; an entry that is there keeps its `seq` where none is given."""
        bulk = MasterDataCreateBulkDto(items=[dto])
        [command] = await self.upsert_bulk(bulk, **caller)
        return command

    async def upsert_bulk(self, dto: MasterDataCreateBulkDto, **caller: Unpack[Caller]) -> list[CommandModel]:
        """Create or replace entries, one after the other."""
        complete = await self._completion.complete(dto.items, keep_seq=True, **caller)
        return [await self.upsert(each, **caller) for each in complete]

    async def update(
        self, key: DetailKey, dto: MasterDataUpdateDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Change an entry, or bring a deleted one back; attributes are merged. Raises NotFoundException."""
        given = {
            "name": dto.name,
            "isDeleted": dto.is_deleted,
            "seq": dto.seq,
            "attributes": dto.attributes,
        }
        changes = {name: value for name, value in given.items() if value is not None} or None
        missing = NotFoundException(MISSING_DATA)
        return await self._items.change(key, missing, lambda _: changes, **caller)

    update_setting = update

    async def delete(self, key: DetailKey, **caller: Unpack[Caller]) -> CommandModel | None:
        """Delete an entry softly. Raises NotFoundException, or BadRequestException for a deleted one."""

        def mark(entry: CommandModel) -> dict[str, Any]:
            if entry.is_deleted:
                raise BadRequestException("This master data is already deleted")
            return {"isDeleted": True}

        missing = NotFoundException(MISSING_DATA)
        return await self._items.change(key, missing, mark, **caller)

    delete_setting = delete

    async def check_exist_code(
        self, setting_code: str, code: str, *, invoke_context: Invoke | None = None
    ) -> bool:
        """Whether the caller's tenant has an entry of this code that is not deleted."""
        entry = await self.get(data_key(callers_tenant(invoke_context=invoke_context), setting_code, code))
        return entry is not None and not entry.is_deleted


def _entry(dto: CreateMasterDataDto) -> CommandInput:
    key = data_key(dto.tenant_code, dto.setting_code, dto.code)
    # Not a column of a data row: the command row of the TypeScript module has it.
    fields: dict[str, Any] = {"settingCode": dto.setting_code}
    if dto.seq is not None:
        fields["seq"] = dto.seq
    return CommandInput(
        pk=key.pk,
        sk=key.sk,
        id=generate_id(*key),
        code=dto.code,
        name=dto.name,
        tenant_code=dto.tenant_code,
        type=MASTER_TYPE,
        is_deleted=False,
        attributes=dto.attributes,
        **fields,
    )


def _exists(item: CommandInput) -> str:
    return "Master data already exists"
