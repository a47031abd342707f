from cqrs_nest.config import ConfigService
from cqrs_nest.context import Tenant
from cqrs_nest.cqrs import DataService, IQueryHandler, QueryHandler
from sample_app.settings import Settings
from sample_app.todo.dto.todo_list_dto import TodoListDto
from sample_app.todo.queries.list_todos_query import ListTodosQuery
from sample_app.todo.todo_key import TodoKey
from sample_app.todo.todo_settings import TodoSettings


@QueryHandler(ListTodosQuery)
class ListTodosHandler(IQueryHandler[ListTodosQuery, TodoListDto]):
    def __init__(
        self, data_service: DataService, settings: TodoSettings, config: ConfigService[Settings]
    ) -> None:
        self._data_service = data_service
        self._settings = settings
        self._max_page_size = config.env.max_page_size

    async def execute(self, query: ListTodosQuery) -> TodoListDto:
        page_size = query.page.page_size or await self._settings.page_size(query.invoke)
        page = await self._data_service.list_items_by_pk(
            TodoKey.partition(Tenant.of(query.invoke)),
            limit=min(page_size, self._max_page_size),
            start_from_sk=query.page.start_from_sk,
            order=query.page.order,
            include_deleted=False,
        )
        return TodoListDto(items=page.items, last_sk=page.last_sk)
