from cqrs_nest.common import NotFoundException
from cqrs_nest.cqrs import DataEntity, DataService, IQueryHandler, QueryHandler
from sample_app.todo.queries.get_todo_query import GetTodoQuery


@QueryHandler(GetTodoQuery)
class GetTodoHandler(IQueryHandler[GetTodoQuery, DataEntity]):
    def __init__(self, data_service: DataService) -> None:
        self._data_service = data_service

    async def execute(self, query: GetTodoQuery) -> DataEntity:
        todo = await self._data_service.get_item(pk=query.key.pk, sk=query.key.sk)
        if todo is None or todo.is_deleted:
            raise NotFoundException("There is no such todo")
        return todo
