from cqrs_nest.config import ConfigService
from cqrs_nest.cqrs import IQueryHandler, QueryHandler
from sample_app.settings import Settings
from sample_app.todo.dto.todo_search_dto import TodoPageDto
from sample_app.todo.projection.todo_search import TodoSearch
from sample_app.todo.queries.search_todos_query import SearchTodosQuery
from sample_app.todo.todo_key import tenant_of, todo_pk


@QueryHandler(SearchTodosQuery)
class SearchTodosHandler(IQueryHandler[SearchTodosQuery, TodoPageDto]):
    def __init__(self, todo_search: TodoSearch, config: ConfigService[Settings]) -> None:
        self._todo_search = todo_search
        self._max_page_size = config.env.max_page_size

    async def execute(self, query: SearchTodosQuery) -> TodoPageDto:
        page_size = min(query.search.page_size, self._max_page_size)
        return await self._todo_search.find(todo_pk(tenant_of(query.invoke)), query.search, page_size)
