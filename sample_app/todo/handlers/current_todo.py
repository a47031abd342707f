"""What every change of a todo starts from."""

from cqrs_nest.common import ConflictException, NotFoundException
from cqrs_nest.cqrs import CommandModel, CommandService
from sample_app.todo.dto.todo_key_dto import TodoKeyDto


class CurrentTodo:
    """Finds the newest version of a todo, whether it has reached the read side or not."""

    def __init__(self, command_service: CommandService) -> None:
        self._command_service = command_service

    async def at_version(self, key: TodoKeyDto, version: int) -> CommandModel:
        """The todo, which must be at the version that the caller has seen.

        Raises NotFoundException if there is none or it is deleted, and ConflictException if somebody
        else has changed it.
        """
        todo = await self._command_service.get_latest_item(pk=key.pk, sk=key.sk)
        if todo is None or todo.is_deleted:
            raise NotFoundException("There is no such todo")
        if todo.version != version:
            raise ConflictException(f"The todo is at version {todo.version}, not at {version}: read it again")
        return todo
