"""`MasterCopyService`: copies a setting and its data to other tenants, each in a sub-task."""

from __future__ import annotations

from typing import Final, Unpack

from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands import KEY_SEPARATOR, DataService, DetailKey, master_pk
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest.context import Caller, Invoke, ensure_tenant, tenant_of
from cqrs_nest_master.callers_tenant import callers_tenant
from cqrs_nest_master.dto.copy_dto import DataCopyMode, MasterCopyDto
from cqrs_nest_master.master_keys import SETTING_PREFIX
from cqrs_nest_task import CreateStepFunctionTaskDto, TaskEntity, TaskKind, TaskService

COPY_TASK: Final = "MASTER_COPY_"


@Injectable()
class MasterCopyService:
    """Creates the tasks that `MasterCopyHandler` does, and lists them."""

    def __init__(self, tasks: TaskService, data: DataService) -> None:
        self._tasks = tasks
        self._data = data

    async def copy(self, dto: MasterCopyDto, **caller: Unpack[Caller]) -> TaskEntity:
        """Copy a setting, its data or both to other tenants; the task is the caller's.

        Raises BadRequestException for no such setting and for no ids in mode PARTIAL, ForbiddenException for
        another tenant than the caller's unless `allow_cross_tenant=True`.
        """
        for tenant in dto.target_tenants:
            ensure_tenant(master_pk(tenant), caller.get("allow_cross_tenant", False))
        option = dto.data_copy_option
        if option is not None and option.mode is DataCopyMode.PARTIAL and not option.id:
            raise BadRequestException("Must provide ID when mode is PARTIAL.")
        key = setting_key_of(dto.master_setting_id)
        setting = await self._data.get_item(pk=key.pk, sk=key.sk)
        if setting is None or setting.is_deleted:
            raise BadRequestException("Master setting does not exist")
        inputs = [
            dto.model_copy(update={"target_tenants": [tenant]}).model_dump(
                mode="json", by_alias=True, exclude_none=True
            )
            for tenant in dict.fromkeys(dto.target_tenants)
        ]
        task = CreateStepFunctionTaskDto(
            tenant_code=callers_tenant(**caller),
            task_type=f"{COPY_TASK}{setting_code_of(key)}",
            name=setting.name,
            input=inputs,
        )
        return await self._tasks.create_step_function_task(task, invoke_context=caller.get("invoke_context"))

    async def copies_of(self, setting_code: str, *, invoke_context: Invoke | None = None) -> list[TaskEntity]:
        """The caller's tenant's copies of a setting, the newest first."""
        prefix = Condition(
            "begins_with(sk, :prefix)", {":prefix": f"{COPY_TASK}{setting_code}{KEY_SEPARATOR}"}
        )
        found: list[TaskEntity] = []
        start: str | None = None
        while True:
            page = await self._tasks.list_items_by_pk(
                callers_tenant(invoke_context=invoke_context),
                TaskKind.SFN_TASK,
                sk=prefix,
                limit=100,
                start_from_sk=start,
                order="desc",
            )
            found += [task for task in page.items if task.sk.count(KEY_SEPARATOR) == 1]
            start = page.last_sk
            if start is None:
                return found


def setting_key_of(id: str) -> DetailKey:
    """The key of a setting by its id. Raises BadRequestException for the id of anything else."""
    kind, _, rest = id.partition(KEY_SEPARATOR)
    tenant, _, sk = rest.partition(KEY_SEPARATOR)
    key = DetailKey(f"{kind}{KEY_SEPARATOR}{tenant}", sk)
    if sk.partition(KEY_SEPARATOR)[0] != SETTING_PREFIX or not tenant_of(key.pk):
        raise BadRequestException("Master setting does not exist")
    return key


def setting_code_of(key: DetailKey) -> str:
    """The code of a tenant's setting."""
    return key.sk.partition(KEY_SEPARATOR)[2]
