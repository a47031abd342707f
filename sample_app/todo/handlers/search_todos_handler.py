from cqrs_nest.commands import ItemPage
from cqrs_nest.config import ConfigService
from cqrs_nest.context import Tenant
from cqrs_nest.cqrs import DataEntity, IQueryHandler, QueryHandler, Repository
from sample_app.settings import Settings
from sample_app.todo.dto.todo_search_dto import SearchTodosDto, TodoPageDto, TodoRowDto
from sample_app.todo.projection.todo_projection import sortable
from sample_app.todo.projection.todo_search import TodoSearch
from sample_app.todo.queries.search_todos_query import SearchTodosQuery
from sample_app.todo.todo_key import TodoKey


@QueryHandler(SearchTodosQuery)
class SearchTodosHandler(IQueryHandler[SearchTodosQuery, TodoPageDto]):
    """Finds todos; while RYW_SESSION_TTL_MINUTES is set, with what the caller has just published."""

    def __init__(
        self,
        todo_search: TodoSearch,
        repository: Repository,
        config: ConfigService[Settings],
    ) -> None:
        self._todo_search = todo_search
        self._repository = repository
        self._max_page_size = config.env.max_page_size

    async def execute(self, query: SearchTodosQuery) -> TodoPageDto:
        page_size = min(query.search.page_size, self._max_page_size)
        partition = TodoKey.partition(Tenant.of(query.invoke))

        async def find() -> ItemPage[TodoRowDto]:
            page = await self._todo_search.find(partition, query.search, page_size)
            return ItemPage(page.items, page.total)

        page = await self._repository.list_items(
            find,
            id_of=lambda todo: todo.id,
            version_of=lambda todo: todo.version,
            apply=lambda item, _: _row(item),
            matches=lambda item: _matches(_row(item), query.search),
            invoke_context=query.invoke,
        )
        return TodoPageDto(total=page.total, items=list(page.items))


def _row(item: DataEntity) -> TodoRowDto:
    """A todo as the projection will write it."""
    attributes = item.attributes
    return TodoRowDto(
        pk=item.pk,
        sk=item.sk,
        id=item.id,
        version=item.version,
        name=item.name,
        description=attributes.get("description"),
        priority=attributes.get("priority"),
        tags=sorted(set(attributes.get("tags") or ())),
        due_date=sortable(attributes.get("dueDate")),
        done=bool(attributes.get("done")),
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def _matches(todo: TodoRowDto, search: SearchTodosDto) -> bool:
    text = f"{todo.name}\n{todo.description or ''}".casefold()
    return (
        (search.keyword or "").casefold() in text
        and (search.tag is None or search.tag in todo.tags)
        and (search.done is None or search.done == todo.done)
    )
