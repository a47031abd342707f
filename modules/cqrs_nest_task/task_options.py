"""What an application decides about its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FanOut: TypeAlias = Literal["auto", "step-functions", "queue"]


@dataclass(frozen=True)
class TaskOptions:
    """How sub-tasks are handed out, and how often a task is tried."""

    fan_out: FanOut = "auto"
    """By the state machine of `SFN_TASK_ARN`, or by messages over the queue of tasks.

    "auto" takes the state machine if there is one.
    """
    max_attempts: int = 5
    """How often a task or sub-task is tried before it has failed."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"A task is tried at least once: max_attempts={self.max_attempts}.")
