from cqrs_nest.common import NotFoundException
from cqrs_nest.cqrs import DataEntity, HistoryService, IQueryHandler, QueryHandler
from sample_app.todo.dto.todo_history_dto import TodoHistoryDto, TodoVersion
from sample_app.todo.queries.get_todo_history_query import GetTodoHistoryQuery


@QueryHandler(GetTodoHistoryQuery)
class GetTodoHistoryHandler(IQueryHandler[GetTodoHistoryQuery, TodoHistoryDto]):
    def __init__(self, history_service: HistoryService) -> None:
        self._history_service = history_service

    async def execute(self, query: GetTodoHistoryQuery) -> TodoHistoryDto:
        versions = await self._history_service.list_versions(pk=query.key.pk, sk=query.key.sk)
        if not versions:
            raise NotFoundException("There is no such todo")
        return TodoHistoryDto(items=[_version(todo) for todo in reversed(versions)])


def _version(todo: DataEntity) -> TodoVersion:
    return TodoVersion(
        version=todo.version,
        name=todo.name,
        attributes=todo.attributes,
        is_deleted=bool(todo.is_deleted),
        updated_by=todo.updated_by,
        updated_at=todo.updated_at,
    )
