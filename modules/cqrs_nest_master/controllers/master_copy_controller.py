from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import DetailKeys
from cqrs_nest.common import ApiTags, BadRequestException, Body, Controller, Get, Post, Query
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles, caller_of
from cqrs_nest_master.dto.copy_dto import MasterCopyDto
from cqrs_nest_master.master_copy_service import MasterCopyService
from cqrs_nest_task import TaskEntity, TaskService


@Auth()
@ApiTags("master-settings")
@Controller("api/master-setting/copy")
class MasterCopyController:
    """Copies to other tenants: for who has the role everywhere."""

    def __init__(self, copies: MasterCopyService) -> None:
        self._copies = copies

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def copy(self, invoke: InvokeContext, dto: Annotated[MasterCopyDto, Body()]) -> TaskEntity:
        """Copy a setting, its data or both to other tenants, each in a sub-task of the answered task."""
        return await self._copies.copy(dto, **caller_of(invoke))


@Auth()
@ApiTags("tasks")
@Controller("api/tasks")
class MasterTaskController:
    """How far copies are."""

    def __init__(self, copies: MasterCopyService, tasks: TaskService) -> None:
        self._copies = copies
        self._tasks = tasks

    @Get("sfn-task-parent")
    async def get_copies(
        self,
        invoke: InvokeContext,
        master_setting_code: Annotated[str | None, Query("masterSettingCode")] = None,
    ) -> list[TaskEntity]:
        """The copies of a setting that the caller's tenant made, the newest first."""
        if not master_setting_code:
            raise BadRequestException("Must provide master setting code")
        return await self._copies.copies_of(master_setting_code, invoke_context=invoke)

    @Get(":id")
    async def get_sub_tasks(self, key: DetailKeys) -> list[TaskEntity]:
        """The sub-tasks of a copy, by its id or that of any of them."""
        return await self._tasks.get_all_sub_task(key)
