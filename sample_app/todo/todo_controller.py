"""The HTTP side of todos: each route sends one command or one query."""

from typing import Annotated

from cqrs_nest.common import Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query
from cqrs_nest.context import Auth, InvokeContext
from cqrs_nest.cqrs import CommandBus, CommandModel, DataEntity, QueryBus
from sample_app.todo.commands.complete_todo_command import CompleteTodoCommand
from sample_app.todo.commands.create_todo_command import CreateTodoCommand
from sample_app.todo.commands.delete_todo_command import DeleteTodoCommand
from sample_app.todo.commands.update_todo_command import UpdateTodoCommand
from sample_app.todo.dto.create_todo_dto import CreateTodoDto, Ulid
from sample_app.todo.dto.todo_history_dto import TodoHistoryDto
from sample_app.todo.dto.todo_key_dto import TodoKeyDto
from sample_app.todo.dto.todo_list_dto import ListTodosDto, TodoListDto
from sample_app.todo.dto.todo_search_dto import SearchTodosDto, TodoPageDto
from sample_app.todo.dto.update_todo_dto import TodoVersionDto, UpdateTodoDto
from sample_app.todo.queries.get_todo_history_query import GetTodoHistoryQuery
from sample_app.todo.queries.get_todo_query import GetTodoQuery
from sample_app.todo.queries.list_todos_query import ListTodosQuery
from sample_app.todo.queries.search_todos_query import SearchTodosQuery


@Auth()
@Controller("api/todo")
class TodoController:
    """Todos of the caller's tenant."""

    def __init__(self, command_bus: CommandBus, query_bus: QueryBus) -> None:
        self._command_bus = command_bus
        self._query_bus = query_bus

    @Post()
    async def create(
        self,
        invoke: InvokeContext,
        dto: Annotated[CreateTodoDto, Body()],
        idempotency_key: Annotated[Ulid | None, Headers("idempotency-key")] = None,
    ) -> CommandModel | None:
        """Create a todo.

        A client that may have to repeat the request chooses the todo's ULID itself and sends it as
        `Idempotency-Key`: a repetition is answered 409, and there is one todo.
        """
        return await self._command_bus.execute(CreateTodoCommand(dto, invoke, idempotency_key))

    @Get()
    async def list(self, invoke: InvokeContext, page: Annotated[ListTodosDto, Query()]) -> TodoListDto:
        """The tenant's todos in the order of their creation, page by page."""
        return await self._query_bus.execute(ListTodosQuery(page, invoke))

    @Get("search")
    async def search(self, invoke: InvokeContext, search: Annotated[SearchTodosDto, Query()]) -> TodoPageDto:
        """Search the tenant's todos."""
        return await self._query_bus.execute(SearchTodosQuery(search, invoke))

    @Get(":pk/:sk")
    async def get(self, key: Annotated[TodoKeyDto, Param()]) -> DataEntity:
        """One todo."""
        return await self._query_bus.execute(GetTodoQuery(key))

    @Patch(":pk/:sk")
    async def update(
        self,
        invoke: InvokeContext,
        key: Annotated[TodoKeyDto, Param()],
        dto: Annotated[UpdateTodoDto, Body()],
    ) -> CommandModel:
        """Change some fields of the version that the caller has seen."""
        return await self._command_bus.execute(UpdateTodoCommand(key, dto, invoke))

    @Post(":pk/:sk/complete")
    @HttpCode(200)
    async def complete(
        self,
        invoke: InvokeContext,
        key: Annotated[TodoKeyDto, Param()],
        dto: Annotated[TodoVersionDto, Body()],
    ) -> CommandModel:
        """Mark a todo as done."""
        return await self._command_bus.execute(CompleteTodoCommand(key, dto.version, invoke))

    @Delete(":pk/:sk")
    async def delete(
        self,
        invoke: InvokeContext,
        key: Annotated[TodoKeyDto, Param()],
        dto: Annotated[TodoVersionDto, Query()],
    ) -> CommandModel:
        """Delete a todo; its history stays."""
        return await self._command_bus.execute(DeleteTodoCommand(key, dto.version, invoke))

    @Get(":pk/:sk/history")
    async def history(self, key: Annotated[TodoKeyDto, Param()]) -> TodoHistoryDto:
        """Every version of a todo, with who made it and when; of a deleted todo too."""
        return await self._query_bus.execute(GetTodoHistoryQuery(key))
