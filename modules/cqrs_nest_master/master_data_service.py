"""`MasterDataService`: the data of settings, such as the colours of a setting COLOUR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ulid_transform import ulid_now

from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands import (
    KEY_SEPARATOR,
    CommandInput,
    CommandModel,
    DataEntity,
    DataService,
    DetailKey,
    generate_id,
    master_pk,
)
from cqrs_nest.common import BadRequestException, Injectable, NotFoundException
from cqrs_nest.context import Invoke
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
from cqrs_nest_master.master_items import MasterItems
from cqrs_nest_master.master_keys import COMMON_TENANT, MASTER_TYPE, data_key
from cqrs_nest_master.master_search import MasterPage, MasterSearch

MISSING_DATA = "Master data not found"


@Injectable()
class MasterDataService:
    """Entries of settings as items of the master table. Every change is an asynchronous command.

    Keys must belong to the caller's tenant, unless `allow_cross_tenant=True` says that they need not
    (ForbiddenException); the common tenant's can be read by all.
    """

    def __init__(self, items: MasterItems, data: DataService, search: MasterSearch) -> None:
        self._items = items
        self._data = data
        self._search = search

    async def list_by_setting_code(
        self, dto: MasterDataSearchDto, *, allow_cross_tenant: bool = False
    ) -> MasterDataListEntity:
        """A page of the entries of a setting from DynamoDB, of the common tenant unless another is named."""
        page = await self._data.list_items_by_pk(
            master_pk(dto.tenant_code or COMMON_TENANT),
            sk=_entries_of(dto.setting_code),
            limit=dto.limit,
            start_from_sk=dto.start_from_sk,
            allow_cross_tenant=allow_cross_tenant,
        )
        return MasterDataListEntity(items=page.items, last_sk=page.last_sk)

    async def list_by_rds(
        self, dto: CustomMasterDataSearchDto, *, invoke_context: Invoke | None = None
    ) -> MasterPage:
        """Search the data of the caller's tenant in SQL."""
        return await self._search.data(callers_tenant(invoke_context), dto)

    async def get(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> DataEntity | None:
        """An entry, deleted or not; None when there is none."""
        return await self._data.get_item(pk=key.pk, sk=key.sk, allow_cross_tenant=allow_cross_tenant)

    async def get_detail(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> DataEntity:
        """An entry, deleted or not. Raises NotFoundException."""
        entry = await self.get(key, allow_cross_tenant=allow_cross_tenant)
        if entry is None:
            raise NotFoundException(MISSING_DATA)
        return entry

    async def create(
        self,
        dto: CreateMasterDataDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> CommandModel:
        """Create an entry, or anew one that was deleted. Raises BadRequestException when it is there."""
        [command] = await self._items.create([_entry(dto)], _exists, invoke_context, allow_cross_tenant)
        return command

    async def upsert(
        self,
        dto: CreateMasterDataDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> CommandModel:
        """Create or replace an entry; one that is the same already stays."""
        return await self._items.upsert(_entry(dto), invoke_context, allow_cross_tenant)

    async def create_setting(
        self,
        dto: MasterDataCreateDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> CommandModel:
        """Create an entry; tenant, code and `seq` are found where they are not given."""
        bulk = MasterDataCreateBulkDto(items=[dto])
        [command] = await self.create_bulk(
            bulk, invoke_context=invoke_context, allow_cross_tenant=allow_cross_tenant
        )
        return command

    async def create_bulk(
        self,
        dto: MasterDataCreateBulkDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> list[CommandModel]:
        """Create all entries, or none when one of them is there (BadRequestException)."""
        complete = await self._completed(dto.items, invoke_context, allow_cross_tenant)
        return await self._items.create(
            [_entry(each) for each in complete], _exists, invoke_context, allow_cross_tenant
        )

    async def upsert_setting(
        self,
        dto: MasterDataCreateDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> CommandModel:
        """Create or replace an entry; an entry that is there keeps its `seq` where none is given."""
        bulk = MasterDataCreateBulkDto(items=[dto])
        [command] = await self.upsert_bulk(
            bulk, invoke_context=invoke_context, allow_cross_tenant=allow_cross_tenant
        )
        return command

    async def upsert_bulk(
        self,
        dto: MasterDataCreateBulkDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
    ) -> list[CommandModel]:
        """Create or replace entries, one after the other."""
        kept = [await self._with_kept_seq(item, invoke_context, allow_cross_tenant) for item in dto.items]
        return [
            await self.upsert(each, invoke_context=invoke_context, allow_cross_tenant=allow_cross_tenant)
            for each in await self._completed(kept, invoke_context, allow_cross_tenant)
        ]

    async def update(
        self,
        key: DetailKey,
        dto: MasterDataUpdateDto,
        *,
        invoke_context: Invoke | None = None,
        allow_cross_tenant: bool = False,
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
        return await self._items.change(key, missing, lambda _: changes, invoke_context, allow_cross_tenant)

    update_setting = update

    async def delete(
        self, key: DetailKey, *, invoke_context: Invoke | None = None, allow_cross_tenant: bool = False
    ) -> CommandModel | None:
        """Delete an entry softly. Raises NotFoundException, or BadRequestException for a deleted one."""

        def mark(entry: CommandModel) -> dict[str, Any]:
            if entry.is_deleted:
                raise BadRequestException("This master data is already deleted")
            return {"isDeleted": True}

        missing = NotFoundException(MISSING_DATA)
        return await self._items.change(key, missing, mark, invoke_context, allow_cross_tenant)

    delete_setting = delete

    async def check_exist_code(
        self, setting_code: str, code: str, *, invoke_context: Invoke | None = None
    ) -> bool:
        """Whether the caller's tenant has an entry of this code that is not deleted."""
        entry = await self.get(data_key(callers_tenant(invoke_context), setting_code, code))
        return entry is not None and not entry.is_deleted

    async def _with_kept_seq(
        self, item: MasterDataCreateDto, invoke: Invoke | None, allow_cross_tenant: bool
    ) -> MasterDataCreateDto:
        if item.code is None or item.seq:
            return item
        key = data_key(item.tenant_code or callers_tenant(invoke), item.setting_code, item.code)
        existing = await self.get(key, allow_cross_tenant=allow_cross_tenant)
        if existing is None or not existing.seq:
            return item
        attributes = {**item.attributes, "seq": existing.seq}
        return item.model_copy(update={"seq": existing.seq, "attributes": attributes})

    async def _completed(
        self, items: Sequence[MasterDataCreateDto], invoke: Invoke | None, allow_cross_tenant: bool
    ) -> list[CreateMasterDataDto]:
        """The entries with tenant, code and `seq`: the numbers after the highest, where none is given."""
        highest: dict[tuple[str, str], int] = {}
        complete: list[CreateMasterDataDto] = []
        for item in items:
            tenant_code = item.tenant_code or callers_tenant(invoke)
            seq, attributes = item.seq, item.attributes
            if not seq:
                kind = tenant_code, item.setting_code
                if kind not in highest:
                    highest[kind] = await self._highest_seq(*kind, allow_cross_tenant)
                seq = highest[kind] = highest[kind] + 1
                attributes = {**attributes, "seq": seq}
            complete.append(
                CreateMasterDataDto(
                    tenant_code=tenant_code,
                    setting_code=item.setting_code,
                    code=item.code or ulid_now(),
                    name=item.name,
                    seq=seq,
                    attributes=attributes,
                )
            )
        return complete

    async def _highest_seq(self, tenant_code: str, setting_code: str, allow_cross_tenant: bool) -> int:
        entries = self._data.iterate_items_by_pk(
            master_pk(tenant_code), sk=_entries_of(setting_code), allow_cross_tenant=allow_cross_tenant
        )
        return max([entry.seq or 0 async for entry in entries], default=0)


def _entries_of(setting_code: str) -> Condition:
    return Condition("begins_with(sk, :setting)", {":setting": f"{setting_code}{KEY_SEPARATOR}"})


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
