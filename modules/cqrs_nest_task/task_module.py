"""`TaskModule`: tasks, what carries them out, and their routes if the application wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files

from cqrs_nest.aws import AwsModule, AwsResources, QueueResource, StateMachineResource, TableResource
from cqrs_nest.common import DynamicModule, Guards, Import, Module, Token, provide, with_routes
from cqrs_nest.core import ConfigurableModule, OptionsFactory
from cqrs_nest_task.fan_out import TaskFanOut
from cqrs_nest_task.task_controller import TaskController
from cqrs_nest_task.task_events import (
    ACTION_QUEUE,
    STATE_MACHINE,
    STATUS_QUEUE,
    StepFunctionTaskEventHandler,
    SubTaskQueueEventHandler,
    TaskEventFactory,
    TaskEventHandler,
    TaskQueueEventHandler,
)
from cqrs_nest_task.task_handlers import TaskHandlers
from cqrs_nest_task.task_keys import TASKS_TABLE
from cqrs_nest_task.task_messages import SUB_TASK_STATUS, TASK_EXECUTE, TaskMessages
from cqrs_nest_task.task_options import TaskOptions
from cqrs_nest_task.task_runner import TaskRunner
from cqrs_nest_task.task_service import TaskService
from cqrs_nest_task.task_store import TaskStore

EVENT_HANDLERS = (
    TaskEventFactory,
    TaskEventHandler,
    TaskQueueEventHandler,
    StepFunctionTaskEventHandler,
    SubTaskQueueEventHandler,
)


def sfn_task_state_machine() -> str:
    """The state machine that hands out sub-tasks, for `SFN_TASK_ARN`; the function is a placeholder."""
    return files("cqrs_nest_task").joinpath("sfn_task_state_machine.json").read_text()


def _resources() -> AwsResources:
    return AwsResources(
        tables=[
            TableResource(TASKS_TABLE, is_streamed=True, calls=["GetItem", "PutItem", "Query", "UpdateItem"])
        ],
        queues=[
            QueueResource(ACTION_QUEUE, [TASK_EXECUTE]),
            QueueResource(STATUS_QUEUE, [SUB_TASK_STATUS]),
        ],
        state_machines=[StateMachineResource(STATE_MACHINE, sfn_task_state_machine(), "SFN_TASK_ARN")],
    )


@Module(
    imports=[AwsModule],
    providers=[
        TaskService,
        TaskStore,
        TaskMessages,
        TaskHandlers,
        TaskRunner,
        TaskFanOut,
        *EVENT_HANDLERS,
        provide(AwsResources, use_factory=_resources, inject=()),
    ],
    exports=[TaskService],
)
class TaskModule(ConfigurableModule[TaskOptions]):
    """Provides `TaskService` to every module; import what `register` gives, once.

    It recognises its stream, queues and state machine itself.
    """

    @classmethod
    def register(
        cls,
        options: TaskOptions = TaskOptions(),
        *,
        is_global: bool = True,
        enable_controller: bool = False,
        path: str | None = None,
        guards: Guards | None = None,
    ) -> DynamicModule:
        """The module with finished options.

        `enable_controller` adds the routes, below `path` (tasks). `guards` stand in the place of the
        default: a caller's own tenant only, and `system_admin` to create and cancel.
        """
        module = super().register(options, is_global=is_global)
        return with_routes(module, TaskController, enabled=enable_controller, path=path, guards=guards)

    @classmethod
    def register_async(
        cls,
        *,
        use_factory: Callable[..., TaskOptions | Awaitable[TaskOptions]] | None = None,
        use_class: type[OptionsFactory[TaskOptions]] | None = None,
        use_existing: type[OptionsFactory[TaskOptions]] | None = None,
        inject: Sequence[Token] | None = None,
        imports: Sequence[Import] = (),
        is_global: bool = True,
        enable_controller: bool = False,
        path: str | None = None,
        guards: Guards | None = None,
    ) -> DynamicModule:
        """The module with options that are made when the application is built."""
        module = super().register_async(
            use_factory=use_factory,
            use_class=use_class,
            use_existing=use_existing,
            inject=inject,
            imports=imports,
            is_global=is_global,
        )
        return with_routes(module, TaskController, enabled=enable_controller, path=path, guards=guards)
