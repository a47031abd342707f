"""The root module."""

from cqrs_nest.common import Module
from sample_app.todo.todo_module import TodoModule


@Module(imports=[TodoModule])
class MainModule:
    """Everything the service consists of."""
