"""The todo feature."""

from cqrs_nest.aws import AwsResources, QueueResource
from cqrs_nest.common import Module, provide
from cqrs_nest.cqrs import CqrsModule
from cqrs_nest.read_models import SqlModule
from cqrs_nest_master import MasterModule
from cqrs_nest_sequence import SequencesModule
from sample_app.todo.events.activity_handler import ACTIVITY_QUEUE, TodoActivityHandler
from sample_app.todo.events.activity_log import ActivityLog
from sample_app.todo.handlers.complete_todo_handler import CompleteTodoHandler
from sample_app.todo.handlers.create_todo_handler import CreateTodoHandler
from sample_app.todo.handlers.current_todo import CurrentTodo
from sample_app.todo.handlers.delete_todo_handler import DeleteTodoHandler
from sample_app.todo.handlers.get_todo_handler import GetTodoHandler
from sample_app.todo.handlers.get_todo_history_handler import GetTodoHistoryHandler
from sample_app.todo.handlers.list_todos_handler import ListTodosHandler
from sample_app.todo.handlers.search_todos_handler import SearchTodosHandler
from sample_app.todo.handlers.update_todo_handler import UpdateTodoHandler
from sample_app.todo.projection.todo_projection import TodoProjection
from sample_app.todo.projection.todo_search import TodoSearch
from sample_app.todo.todo_controller import TodoController
from sample_app.todo.todo_key import TODO_TABLE
from sample_app.todo.todo_numbers import TodoNumbers
from sample_app.todo.todo_settings import TodoSettings

COMMAND_HANDLERS = [CreateTodoHandler, UpdateTodoHandler, CompleteTodoHandler, DeleteTodoHandler]
QUERY_HANDLERS = [GetTodoHandler, ListTodosHandler, SearchTodosHandler, GetTodoHistoryHandler]
RESOURCES = AwsResources(queues=[QueueResource(ACTIVITY_QUEUE, ["domain-event"])])


@Module(
    imports=[
        CqrsModule.register(table_name=TODO_TABLE, data_sync_handlers=[TodoProjection]),
        # By their names: what takes SQL is imported with the first statement, and not at a cold start.
        SqlModule.register(
            ["sample_app.todo.projection.todo_tables:metadata", "cqrs_nest_master.read_model:metadata"],
            create_tables=True,
        ),
        SequencesModule.register(),
        MasterModule.register(enable_controller=True, copies=False),
    ],
    controllers=[TodoController],
    providers=[
        *COMMAND_HANDLERS,
        *QUERY_HANDLERS,
        CurrentTodo,
        TodoNumbers,
        TodoSettings,
        TodoSearch,
        TodoActivityHandler,
        ActivityLog,
        provide(AwsResources, use_value=RESOURCES),
    ],
)
class TodoModule:
    """Controller, handlers and read model of todos."""
