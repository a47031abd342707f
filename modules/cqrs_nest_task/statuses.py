"""How far a task is."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TaskStatus(StrEnum):
    """The states of a task."""

    CREATED = "CREATED"
    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PARTIAL = "PARTIAL"
    """Some sub-tasks have failed, and some have not."""
    CANCELLED = "CANCELLED"


WAITING: Final = (TaskStatus.CREATED, TaskStatus.QUEUED)
"""What comes before the beginning."""

OPEN: Final = (*WAITING, TaskStatus.PROCESSING)
"""What comes before the end."""


def status_of_parent(count: int, succeeded: int, failed: int) -> TaskStatus:
    """The status of a task that has sub-tasks, by how these have ended.

    >>> [str(status_of_parent(3, *ended)) for ended in ((1, 0), (3, 0), (1, 2), (0, 3))]
    ['PROCESSING', 'COMPLETED', 'PARTIAL', 'FAILED']
    """
    if succeeded + failed < count:
        return TaskStatus.PROCESSING
    if not failed:
        return TaskStatus.COMPLETED
    return TaskStatus.PARTIAL if succeeded else TaskStatus.FAILED
