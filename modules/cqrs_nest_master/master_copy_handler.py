"""Copies one setting, its data or both to one tenant: a sub-task."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from cqrs_nest.commands import CommandInput, DataEntity, DataService, generate_id, master_pk
from cqrs_nest.context import system_context
from cqrs_nest_master.dto.copy_dto import CopyType, DataCopyMode, MasterCopyDto
from cqrs_nest_master.master_copy_service import COPY_TASK, setting_code_of, setting_key_of
from cqrs_nest_master.master_items import MasterItems
from cqrs_nest_master.master_keys import MASTER_TYPE, entries_of
from cqrs_nest_task import TaskHandler, TaskRun


@TaskHandler(f"{COPY_TASK}*", input=MasterCopyDto)
class MasterCopyHandler:
    """What is the same at the target already stays; run again, it changes nothing."""

    def __init__(self, items: MasterItems, data: DataService) -> None:
        self._items = items
        self._data = data

    async def execute(self, run: TaskRun[MasterCopyDto]) -> dict[str, Any]:
        """Copy to the one tenant that the sub-task is for; how many items were copied."""
        dto = run.input
        [tenant_code] = dto.target_tenants
        copied = 0
        with system_context("master-copy"):
            async for source in self._sources(dto):
                await self._items.upsert(_copy(source, tenant_code), allow_cross_tenant=True)
                copied += 1
        return {"message": "Copy successfully", "copied": copied}

    async def _sources(self, dto: MasterCopyDto) -> AsyncIterator[DataEntity]:
        key = setting_key_of(dto.master_setting_id)
        if dto.copy_type is not CopyType.DATA_ONLY:
            setting = await self._data.get_item(pk=key.pk, sk=key.sk)
            if setting is not None and not setting.is_deleted:
                yield setting
        if dto.copy_type is CopyType.SETTING_ONLY:
            return
        option = dto.data_copy_option
        is_partial = option is not None and option.mode is DataCopyMode.PARTIAL
        wanted = set((option.id or []) if option else [])
        entries = entries_of(setting_code_of(key))
        async for entry in self._data.iterate_items_by_pk(key.pk, sk=entries):
            if not entry.is_deleted and (not is_partial or entry.id in wanted):
                yield entry


def _copy(source: DataEntity, tenant_code: str) -> CommandInput:
    pk = master_pk(tenant_code)
    fields: dict[str, Any] = {} if source.seq is None else {"seq": source.seq}
    return CommandInput(
        pk=pk,
        sk=source.sk,
        id=generate_id(pk, source.sk),
        code=source.code,
        name=source.name,
        tenant_code=tenant_code,
        type=MASTER_TYPE,
        is_deleted=False,
        attributes=source.attributes,
        **fields,
    )
