"""How tasks are keyed: `TASK#<tenant>` or `SFN_TASK#<tenant>`, and `<type>#<ulid>[#<index>]`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cqrs_nest.commands import KEY_SEPARATOR, DetailKey

TASKS_TABLE: Final = "tasks"


class TaskKind(StrEnum):
    """Tasks that are done in one go, and tasks with sub-tasks."""

    TASK = "TASK"
    SFN_TASK = "SFN_TASK"


def task_pk(kind: TaskKind, tenant_code: str) -> str:
    """The partition of a tenant's tasks.

    >>> task_pk(TaskKind.SFN_TASK, "acme")
    'SFN_TASK#acme'
    """
    return f"{kind}{KEY_SEPARATOR}{tenant_code}"


def sub_task_key(parent: DetailKey, index: int) -> DetailKey:
    """The key of a sub-task."""
    return DetailKey(parent.pk, f"{parent.sk}{KEY_SEPARATOR}{index}")


def is_sub_task(key: DetailKey) -> bool:
    """Whether a key is a sub-task's.

    >>> is_sub_task(DetailKey("SFN_TASK#acme", "COPY#01J#0")), is_sub_task(DetailKey("TASK#acme", "MAIL#01J"))
    (True, False)
    """
    return key.sk.count(KEY_SEPARATOR) > 1


def parent_key(key: DetailKey) -> DetailKey:
    """The key of the task that a sub-task belongs to."""
    return DetailKey(key.pk, key.sk.rpartition(KEY_SEPARATOR)[0])


def has_sub_tasks(key: DetailKey) -> bool:
    """Whether a key is that of a task with sub-tasks."""
    return key.pk.startswith(f"{TaskKind.SFN_TASK}{KEY_SEPARATOR}") and not is_sub_task(key)
