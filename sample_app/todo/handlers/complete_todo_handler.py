from cqrs_nest.commands import get_command_source
from cqrs_nest.cqrs import CommandHandler, CommandInput, CommandModel, CommandService, ICommandHandler
from sample_app.todo.commands.complete_todo_command import CompleteTodoCommand
from sample_app.todo.handlers.current_todo import CurrentTodo

SOURCE = get_command_source("todo", "TodoController", "complete")


@CommandHandler(CompleteTodoCommand)
class CompleteTodoHandler(ICommandHandler[CompleteTodoCommand, CommandModel]):
    def __init__(self, current_todo: CurrentTodo, command_service: CommandService) -> None:
        self._current_todo = current_todo
        self._command_service = command_service

    async def execute(self, command: CompleteTodoCommand) -> CommandModel:
        todo = await self._current_todo.at_version(command.key, command.version)
        change = CommandInput(
            pk=command.key.pk, sk=command.key.sk, version=todo.version, attributes={"done": True}
        )
        published = await self._command_service.publish_partial_update_async(
            change, invoke_context=command.invoke, source=SOURCE
        )
        return published or todo
