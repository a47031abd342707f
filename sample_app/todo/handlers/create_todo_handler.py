from ulid_transform import ulid_now

from cqrs_nest.commands import VERSION_FIRST, generate_id, get_command_source
from cqrs_nest.cqrs import CommandHandler, CommandInput, CommandModel, CommandService, ICommandHandler
from sample_app.todo.commands.create_todo_command import CreateTodoCommand
from sample_app.todo.todo_key import TODO_TYPE, tenant_of, todo_pk

SOURCE = get_command_source("todo", "TodoController", "create")


@CommandHandler(CreateTodoCommand)
class CreateTodoHandler(ICommandHandler[CreateTodoCommand, CommandModel | None]):
    def __init__(self, command_service: CommandService) -> None:
        self._command_service = command_service

    async def execute(self, command: CreateTodoCommand) -> CommandModel | None:
        tenant_code = tenant_of(command.invoke)
        pk, sk = todo_pk(tenant_code), command.sk or ulid_now()
        todo = CommandInput(
            pk=pk,
            sk=sk,
            id=generate_id(pk, sk),
            code=sk,
            name=command.dto.name,
            type=TODO_TYPE,
            tenant_code=tenant_code,
            version=VERSION_FIRST,
            attributes={"done": False, **command.dto.attributes()},
        )
        return await self._command_service.publish_async(todo, invoke_context=command.invoke, source=SOURCE)
