"""The routes of the application that was recorded: todos, commands as they are, and echoes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from cqrs_nest.commands import VERSION_FIRST, get_command_source
from cqrs_nest.commands.dtos import DetailDto, SearchDto
from cqrs_nest.common import Body, Controller, Get, HttpCode, Param, Post, Put, Query, UseGuards
from cqrs_nest.context import InvokeContext, Roles, RolesGuard, get_user_context
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CommandInput,
    CommandModel,
    CommandService,
    DataEntity,
    DataList,
    DataService,
    ICommandHandler,
    IQueryHandler,
    QueryBus,
    QueryHandler,
)
from cqrs_nest.cqrs import Query as CqrsQuery
from cqrs_nest.http import Dto


class TodoAttributes(Dto):
    description: str | None = None
    priority: Annotated[int, Field(ge=0, le=5)] | None = None
    tags: list[str] | None = None


class CreateTodoDto(Dto):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    code: str
    done: bool | None = None
    attributes: TodoAttributes | None = None


class CommandDto(Dto):
    pk: str
    sk: str
    id: str
    code: str
    name: str
    version: float
    tenant_code: str
    type: str
    is_deleted: bool | None = None
    seq: float | None = None
    ttl: float | None = None


class FullCommandDto(CommandDto):
    attributes: dict[str, Any] | None = None


class PartialDto(Dto):
    pk: str
    sk: str
    version: int
    name: str | None = None
    is_deleted: bool | None = None
    attributes: dict[str, Any] | None = None


@dataclass(frozen=True)
class CreateTodoCommand(Command[CommandModel | None]):
    dto: CreateTodoDto
    invoke: InvokeContext


@dataclass(frozen=True)
class GetTodoQuery(CqrsQuery[DataEntity | None]):
    key: DetailDto


@CommandHandler(CreateTodoCommand)
class CreateTodoHandler(ICommandHandler[CreateTodoCommand, CommandModel | None]):
    def __init__(self, command_service: CommandService) -> None:
        self._command_service = command_service

    async def execute(self, command: CreateTodoCommand) -> CommandModel | None:
        tenant, dto = get_user_context(command.invoke).tenant_code, command.dto
        pk = f"TODO#{tenant}"
        more = {} if dto.attributes is None else _given(dto.attributes)
        todo = CommandInput(
            pk=pk,
            sk=dto.code,
            id=f"{pk}#{dto.code}",
            tenant_code=tenant or "",
            code=dto.code,
            type="TODO",
            version=VERSION_FIRST,
            name=dto.name,
            attributes={"done": dto.done or False, **more},
        )
        source = get_command_source("todo", "TodoController", "create")
        return await self._command_service.publish_sync(todo, source=source, invoke_context=command.invoke)


@QueryHandler(GetTodoQuery)
class GetTodoHandler(IQueryHandler[GetTodoQuery, DataEntity | None]):
    def __init__(self, data_service: DataService) -> None:
        self._data_service = data_service

    async def execute(self, query: GetTodoQuery) -> DataEntity | None:
        return await self._data_service.get_item(pk=query.key.pk, sk=query.key.sk)


@Controller("api/todo")
@UseGuards(RolesGuard)
class TodoController:
    def __init__(self, command_bus: CommandBus, query_bus: QueryBus, data_service: DataService) -> None:
        self._command_bus = command_bus
        self._query_bus = query_bus
        self._data_service = data_service
        self._count = 0

    @Post()
    async def create(
        self, invoke: InvokeContext, dto: Annotated[CreateTodoDto, Body()]
    ) -> CommandModel | None:
        return await self._command_bus.execute(CreateTodoCommand(dto, invoke))

    @Post("auto")
    async def auto(self, invoke: InvokeContext, dto: Annotated[CreateTodoDto, Body()]) -> CommandModel | None:
        self._count += 1
        numbered = dto.model_copy(update={"code": f"{dto.code}-{self._count}"})
        return await self._command_bus.execute(CreateTodoCommand(numbered, invoke))

    @Get("list")
    async def list(self, invoke: InvokeContext, query: Annotated[SearchDto, Query()]) -> DataList:
        pk = f"TODO#{get_user_context(invoke).tenant_code}"
        return await self._data_service.list_items_by_pk(pk, limit=query.page_size)

    @Roles("admin")
    @Get("admin")
    async def admin(self) -> dict[str, bool]:
        return {"ok": True}

    @Get(":pk/:sk")
    async def get(self, key: Annotated[DetailDto, Param()]) -> DataEntity | None:
        return await self._query_bus.execute(GetTodoQuery(key))


@Controller("api/testing")
class TestingController:
    __test__ = False

    def __init__(self, command_service: CommandService) -> None:
        self._command_service = command_service

    @Post()
    async def publish_async(
        self, invoke: InvokeContext, dto: Annotated[CommandDto, Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_async(_given(dto), invoke_context=invoke)

    @Post("full")
    async def publish_async_full(
        self, invoke: InvokeContext, dto: Annotated[FullCommandDto, Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_async(_given(dto), invoke_context=invoke)

    @Put()
    async def partial_async(
        self, invoke: InvokeContext, dto: Annotated[PartialDto, Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_partial_update_async(_given(dto), invoke_context=invoke)

    @Post("sync")
    async def publish_sync(
        self, invoke: InvokeContext, dto: Annotated[CommandDto, Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_sync(_given(dto), invoke_context=invoke)

    @Post("sync-full")
    async def publish_sync_full(
        self, invoke: InvokeContext, dto: Annotated[FullCommandDto, Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_sync(_given(dto), invoke_context=invoke)

    @Put("sync")
    async def partial_sync(
        self, invoke: InvokeContext, dto: Annotated[PartialDto, Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_partial_update_sync(_given(dto), invoke_context=invoke)

    @Put("sync-raw")
    async def partial_sync_raw(
        self, invoke: InvokeContext, dto: Annotated[dict[str, Any], Body()]
    ) -> CommandModel | None:
        return await self._command_service.publish_partial_update_sync(dto, invoke_context=invoke)

    @Get("whoami")
    async def whoami(self, invoke: InvokeContext) -> dict[str, Any]:
        user = get_user_context(invoke)
        shown = {"userId": user.user_id, "tenantRole": user.tenant_role, "tenantCode": user.tenant_code}
        return {"user": shown, "invokeContext": {"event": invoke.event, "context": invoke.context}}


@Controller("api/bench")
class BenchController:
    @Get("ping")
    async def ping(self) -> dict[str, bool]:
        return {"ok": True}

    @Post("echo")
    @HttpCode(200)
    async def echo(self, dto: Annotated[CreateTodoDto, Body()]) -> CreateTodoDto:
        return dto


def _given(dto: Dto) -> dict[str, Any]:
    """The properties that were sent, by their names on the wire."""
    sent = dto.model_dump(by_alias=True, exclude_unset=True)
    return sent | ({"version": int(sent["version"])} if sent.get("version", 0.5) % 1 == 0 else {})


CONTROLLERS = [TodoController, TestingController, BenchController]
HANDLERS = [CreateTodoHandler, GetTodoHandler]
