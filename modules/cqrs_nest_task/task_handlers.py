"""`@TaskHandler`: who does the tasks of a type."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import TypeAdapter

from cqrs_nest.common import Injectable, MetadataKey, SetMetadata
from cqrs_nest.core import CqrsNestError, DiscoveryService
from cqrs_nest_task.task_entity import TaskEntity

InputT = TypeVar("InputT")
HandlerT = TypeVar("HandlerT", bound=type)


class InvalidTaskHandlerError(CqrsNestError):
    """A task handler is not made as it must be, or two handle one type; found at start."""


class TaskHandlerNotFoundError(LookupError):
    """Nobody does the tasks of a type."""


@dataclass(frozen=True)
class TaskRun(Generic[InputT]):
    """One attempt at a task or sub-task."""

    input: InputT
    """What the task was given, as the handler's input type."""
    task: TaskEntity
    """Its row when the attempt began; `failures` says how often it was tried before."""
    report: Callable[[Any], Awaitable[None]]
    """`await run.report({"done": 3, "of": 10})` tells of the progress: attributes and a `task-status`."""
    is_cancelled: Callable[[], Awaitable[bool]]
    """Whether the task was cancelled meanwhile; a long one asks from time to time and ends."""


class ITaskHandler(Protocol):
    """What `@TaskHandler` decorates."""

    async def execute(self, run: TaskRun[Any]) -> Any:
        """Do the task; what is returned becomes `attributes.result`. It may be called more than once."""
        ...


@dataclass(frozen=True)
class TaskHandlerOptions:
    """What `@TaskHandler` was told."""

    task_type: str
    input: Any


TASK_HANDLER = MetadataKey[TaskHandlerOptions]("task_handler")


def TaskHandler(task_type: str, *, input: Any = Any) -> Callable[[HandlerT], HandlerT]:
    """Make a provider do the tasks and sub-tasks whose type is `task_type`, or begins with it and `*`.

    `input` is the type that a task's input is read as; one that does not fit fails without an attempt.

    >>> @TaskHandler("REPORT", input=dict[str, int])
    ... class ReportHandler:
    ...     async def execute(self, run: TaskRun[dict[str, int]]) -> int:
    ...         return sum(run.input.values())
    """
    return SetMetadata(TASK_HANDLER, TaskHandlerOptions(task_type, input))


@dataclass(frozen=True)
class RegisteredTaskHandler:
    """A handler with what reads its input."""

    handler: ITaskHandler
    adapter: TypeAdapter[Any]


@Injectable()
class TaskHandlers:
    """The handlers of all modules, by the types of their tasks."""

    def __init__(self, discovery: DiscoveryService) -> None:
        self._discovery = discovery
        self._handlers: dict[str, RegisteredTaskHandler] = {}

    def on_application_bootstrap(self) -> None:
        """Find the handlers. Raises InvalidTaskHandlerError."""
        self._handlers = {}
        for binding, options in self._discovery.providers_with(TASK_HANDLER):
            name = f"@TaskHandler {binding.cls.__name__ if binding.cls else binding.token}"
            if not inspect.iscoroutinefunction(getattr(binding.cls, "execute", None)):
                raise InvalidTaskHandlerError(
                    f"{name} has no async method execute.\nFix: write `async def execute(self, run)`."
                )
            if options.task_type in self._handlers:
                raise InvalidTaskHandlerError(
                    f"{name} and another handler do the tasks of the type {options.task_type}.\n"
                    "Fix: leave one of them out, or give it a type of its own."
                )
            handler = cast(ITaskHandler, binding.instance)
            self._handlers[options.task_type] = RegisteredTaskHandler(handler, TypeAdapter(options.input))

    def of(self, task_type: str) -> RegisteredTaskHandler:
        """The handler of a type. Raises TaskHandlerNotFoundError."""
        found = self._handlers.get(task_type) or next(
            (
                handler
                for pattern, handler in self._handlers.items()
                if pattern.endswith("*") and task_type.startswith(pattern[:-1])
            ),
            None,
        )
        if found is None:
            raise TaskHandlerNotFoundError(
                f"Nobody does tasks of the type {task_type}: "
                f'add a class decorated with @TaskHandler("{task_type}") to the providers of a module'
            )
        return found
