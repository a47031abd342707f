"""The HTTP side of tasks."""

from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import DetailDto, DetailKey
from cqrs_nest.common import ApiTags, Body, Controller, Delete, Get, NotFoundException, Param, Post, Query
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles
from cqrs_nest_task.dto import CreateStepFunctionTaskDto, CreateTaskDto, ListTasksDto
from cqrs_nest_task.task_entity import TaskEntity, TaskListEntity
from cqrs_nest_task.task_service import TaskService

Key = Annotated[DetailDto, Param()]


@Auth()
@ApiTags("tasks")
@Controller("tasks")
class TaskController:
    """Tasks of the caller's tenant."""

    def __init__(self, tasks: TaskService) -> None:
        self._tasks = tasks

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_task(self, invoke: InvokeContext, dto: Annotated[CreateTaskDto, Body()]) -> TaskEntity:
        """Create a task."""
        return await self._tasks.create_task(dto, invoke_context=invoke)

    @Post("step-function-task")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_step_function_task(
        self, invoke: InvokeContext, dto: Annotated[CreateStepFunctionTaskDto, Body()]
    ) -> TaskEntity:
        """Create a task with one sub-task for each element of its input."""
        return await self._tasks.create_step_function_task(dto, invoke_context=invoke)

    @Get(":pk/:sk")
    async def get_task(self, key: Key) -> TaskEntity:
        """A task or sub-task."""
        task = await self._tasks.get_task(DetailKey(key.pk, key.sk))
        if task is None:
            raise NotFoundException("Task not found")
        return task

    @Get(":pk")
    async def list_tasks(
        self, tenant_code: Annotated[str, Param("pk")], query: Annotated[ListTasksDto, Query()]
    ) -> TaskListEntity:
        """A page of the tasks of a tenant, whose code stands in the place of `:pk`."""
        return await self._tasks.list_items_by_pk(
            tenant_code,
            query.type,
            limit=query.limit,
            start_from_sk=query.start_from_sk,
            order=query.order,
        )

    @Delete(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def cancel_task(self, key: Key) -> TaskEntity:
        """Cancel a task; its row stays."""
        return await self._tasks.cancel_task(DetailKey(key.pk, key.sk))
