from ulid_transform import ulid_now

from cqrs_nest.commands import VERSION_FIRST, get_command_source
from cqrs_nest.context import Tenant
from cqrs_nest.cqrs import CommandHandler, CommandInput, CommandModel, CommandService, ICommandHandler
from sample_app.todo.commands.create_todo_command import CreateTodoCommand
from sample_app.todo.todo_key import TodoKey
from sample_app.todo.todo_numbers import TodoNumbers

SOURCE = get_command_source("todo", "TodoController", "create")


@CommandHandler(CreateTodoCommand)
class CreateTodoHandler(ICommandHandler[CreateTodoCommand, CommandModel | None]):
    def __init__(self, command_service: CommandService, numbers: TodoNumbers) -> None:
        self._command_service = command_service
        self._numbers = numbers

    async def execute(self, command: CreateTodoCommand) -> CommandModel | None:
        key = TodoKey(Tenant.of(command.invoke), command.sk or ulid_now())
        todo = CommandInput(
            pk=key.pk,
            sk=key.sk,
            id=key.id,
            code=key.sk,
            name=command.dto.name,
            type=TodoKey.type,
            tenant_code=key.tenant,
            version=VERSION_FIRST,
            seq=await self._numbers.next(key.tenant, command.invoke),
            attributes={"done": False, **command.dto.attributes()},
        )
        return await self._command_service.publish_async(todo, invoke_context=command.invoke, source=SOURCE)
