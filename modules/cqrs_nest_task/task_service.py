"""`TaskService`: creates, reads and cancels tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Unpack

from ulid_transform import ulid_now

from cqrs_nest.aws import DynamoDbService, UnsupportedValueError
from cqrs_nest.aws.dynamodb import Condition, ItemTooLargeError
from cqrs_nest.commands import KEY_SEPARATOR, DetailKey
from cqrs_nest.common import BadRequestException, ConflictException, Injectable, NotFoundException
from cqrs_nest.context import Caller, Invoke, current_invoke, ensure_tenant
from cqrs_nest_task.dto import CreateStepFunctionTaskDto, CreateTaskDto
from cqrs_nest_task.statuses import TaskStatus
from cqrs_nest_task.task_entity import TaskEntity, TaskListEntity
from cqrs_nest_task.task_keys import TaskKind, has_sub_tasks, is_sub_task, parent_key, task_pk
from cqrs_nest_task.task_messages import TaskMessages
from cqrs_nest_task.task_store import TaskStore

MAX_SK_BYTES = 1024


@Injectable()
class TaskService:
    """Tasks of a tenant. Their handlers are found by `@TaskHandler` and run after the row is written.

    Keys must belong to the caller's tenant, unless `allow_cross_tenant=True` says that they need not
    (ForbiddenException).

        task = await tasks.create_task(CreateTaskDto(tenant_code="acme", task_type="REPORT", input={}))
    """

    def __init__(self, store: TaskStore, messages: TaskMessages, dynamodb: DynamoDbService) -> None:
        self._store = store
        self._messages = messages
        self._dynamodb = dynamodb

    async def create_task(self, dto: CreateTaskDto, **caller: Unpack[Caller]) -> TaskEntity:
        """Create a task. Raises BadRequestException for an input that cannot be stored."""
        return await self._create(TaskKind.TASK, dto, **caller)

    async def create_step_function_task(
        self, dto: CreateStepFunctionTaskDto, **caller: Unpack[Caller]
    ) -> TaskEntity:
        """Create a task with one sub-task for each element of its input."""
        return await self._create(TaskKind.SFN_TASK, dto, **caller)

    async def get_task(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> TaskEntity | None:
        """A task or sub-task; None when there is none."""
        _check(key)
        ensure_tenant(key.pk, allow_cross_tenant, reading=True)
        return await self._store.get(key)

    async def get_all_sub_task(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> list[TaskEntity]:
        """All sub-tasks of a task, by its key or that of any of them."""
        _check(key)
        ensure_tenant(key.pk, allow_cross_tenant, reading=True)
        parent = parent_key(key) if is_sub_task(key) else key
        return [task async for task in self._store.sub_tasks(parent)]

    async def list_items_by_pk(
        self,
        tenant_code: str,
        type: str | None,
        *,
        sk: Condition | None = None,
        limit: int = 10,
        start_from_sk: str | None = None,
        order: Literal["asc", "desc"] = "asc",
        allow_cross_tenant: bool = False,
    ) -> TaskListEntity:
        """A page of a tenant's tasks, and for SFN_TASK of their sub-tasks, in the order of the sort keys.

        Raises NotFoundException unless `type` is TASK or SFN_TASK.
        """
        if type not in list(TaskKind):
            raise NotFoundException('The type of task, must be either "TASK" or "SFN_TASK"')
        pk = task_pk(TaskKind(type), tenant_code)
        ensure_tenant(pk, allow_cross_tenant, reading=True)
        page = await self._dynamodb.query(
            self._store.table, pk, sk=sk, start_from_sk=start_from_sk, limit=limit, order=order
        )
        items = [TaskEntity.from_row(row) for row in page.items]
        return TaskListEntity(items=items, last_sk=page.last_key["sk"] if page.last_key else None)

    async def cancel_task(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> TaskEntity:
        """Let a task not begin, or not go on: its sub-tasks that have not begun do not either.

        A handler that runs is not interrupted; it may ask `run.is_cancelled()`. Raises NotFoundException
        for no task, ConflictException for one that has ended, BadRequestException for a sub-task.
        """
        _check(key)
        ensure_tenant(key.pk, allow_cross_tenant)
        _refuse_sub_task(key)
        task = await self._store.move(key, TaskStatus.CANCELLED)
        if task is None:
            ended = await self._store.get(key)
            if ended is None:
                raise NotFoundException("Task not found")
            raise ConflictException(f"The task is {ended.status} already")
        await self._messages.status(key, TaskStatus.CANCELLED, task.attributes)
        return task

    async def update_status(
        self,
        key: DetailKey,
        status: TaskStatus,
        attributes: Mapping[str, Any] | None = None,
        *,
        notify_id: str | None = None,
        allow_cross_tenant: bool = False,
    ) -> None:
        """Set status and attributes of a task that has not ended, and tell of it.

        Raises BadRequestException for a sub-task, and for attributes of a task that has sub-tasks.
        """
        _check(key)
        ensure_tenant(key.pk, allow_cross_tenant)
        _refuse_sub_task(key)
        if attributes is not None and has_sub_tasks(key):
            raise BadRequestException("The attributes of a task with sub-tasks are their counts")
        if await self._store.move(key, status, attributes) is not None:
            await self._messages.status(key, status, attributes, notify_id)

    async def publish_alarm(self, key: DetailKey, error: object) -> None:
        """Tell operators of a failure."""
        await self._messages.alarm(key, error)

    async def _create(
        self, kind: TaskKind, dto: CreateTaskDto | CreateStepFunctionTaskDto, **caller: Unpack[Caller]
    ) -> TaskEntity:
        invoke = caller.get("invoke_context")
        pk = task_pk(kind, dto.tenant_code)
        ensure_tenant(pk, caller.get("allow_cross_tenant", False), invoke=invoke)
        code = ulid_now()
        sk = f"{dto.task_type}{KEY_SEPARATOR}{code}"
        _check(DetailKey(pk, sk))
        now = datetime.now(UTC)
        row = {
            "id": f"{pk}{KEY_SEPARATOR}{sk}",
            "pk": pk,
            "sk": sk,
            "version": 0,
            "code": code,
            "type": dto.task_type,
            "name": dto.name or dto.task_type,
            "tenantCode": dto.tenant_code,
            "status": str(TaskStatus.CREATED),
            "input": dto.input,
            "createdAt": now,
            "updatedAt": now,
            **_audit(invoke or current_invoke.get()),
        }
        try:
            await self._store.put(row)
        except (UnsupportedValueError, ItemTooLargeError) as error:
            raise BadRequestException(str(error)) from error
        return TaskEntity.from_row(row)


def _audit(invoke: Invoke | None) -> dict[str, Any]:
    if invoke is None:
        return {}
    known = {
        "requestId": invoke.request_id,
        "createdBy": invoke.user_id,
        "updatedBy": invoke.user_id,
        "createdIp": invoke.source_ip,
        "updatedIp": invoke.source_ip,
    }
    return {name: value for name, value in known.items() if value is not None}


def _refuse_sub_task(key: DetailKey) -> None:
    if is_sub_task(key):
        raise BadRequestException(
            f"A sub-task ends by its handler or with its task, which is {KEY_SEPARATOR.join(parent_key(key))}"
        )


def _check(key: DetailKey) -> None:
    if not key.pk or not 0 < len(key.sk.encode(errors="surrogatepass")) <= MAX_SK_BYTES:
        raise BadRequestException(f"pk and sk must not be empty, and sk has at most {MAX_SK_BYTES} bytes")
