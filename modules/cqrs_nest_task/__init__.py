"""Tasks: work that is done after the request, alone or in sub-tasks, tried again, counted and told of."""

from cqrs_nest_task.dto import CreateStepFunctionTaskDto, CreateTaskDto, ListTasksDto
from cqrs_nest_task.statuses import TaskStatus
from cqrs_nest_task.task_entity import TaskEntity, TaskListEntity
from cqrs_nest_task.task_handlers import ITaskHandler, TaskHandler, TaskHandlerNotFoundError, TaskRun
from cqrs_nest_task.task_keys import TaskKind
from cqrs_nest_task.task_module import TaskModule, sfn_task_state_machine
from cqrs_nest_task.task_options import TaskOptions
from cqrs_nest_task.task_runner import TaskAttemptFailedError
from cqrs_nest_task.task_service import TaskService

__all__ = [
    "CreateStepFunctionTaskDto",
    "CreateTaskDto",
    "ITaskHandler",
    "ListTasksDto",
    "TaskAttemptFailedError",
    "TaskEntity",
    "TaskHandler",
    "TaskHandlerNotFoundError",
    "TaskKind",
    "TaskListEntity",
    "TaskModule",
    "TaskOptions",
    "TaskRun",
    "TaskService",
    "TaskStatus",
    "sfn_task_state_machine",
]
