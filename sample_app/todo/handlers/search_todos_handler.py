from cqrs_nest.config import ConfigService
from cqrs_nest.context import Tenant
from cqrs_nest.cqrs import IQueryHandler, QueryHandler
from sample_app.settings import Settings
from sample_app.todo.dto.todo_search_dto import TodoPageDto
from sample_app.todo.projection.todo_search import TodoSearch
from sample_app.todo.queries.search_todos_query import SearchTodosQuery
from sample_app.todo.todo_key import TodoKey


@QueryHandler(SearchTodosQuery)
class SearchTodosHandler(IQueryHandler[SearchTodosQuery, TodoPageDto]):
    def __init__(self, todo_search: TodoSearch, config: ConfigService[Settings]) -> None:
        self._todo_search = todo_search
        self._max_page_size = config.env.max_page_size

    async def execute(self, query: SearchTodosQuery) -> TodoPageDto:
        page_size = min(query.search.page_size, self._max_page_size)
        partition = TodoKey.partition(Tenant.of(query.invoke))
        return await self._todo_search.find(partition, query.search, page_size)
