"""What a module needs of the account besides its command tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableResource:
    """A table with the keys pk and sk, by its name without stage and service; a stream carries new images."""

    name: str
    is_streamed: bool = False


@dataclass(frozen=True, slots=True)
class QueueResource:
    """A queue that gets the main topic's messages of some actions, raw, and hands them to the application."""

    name: str
    actions: Sequence[str]


@dataclass(frozen=True, slots=True)
class StateMachineResource:
    """A state machine whose tasks invoke the application.

    `definition` is its text in Amazon States Language; `${LambdaFunctionArn}` stands for the function.
    """

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class ScheduleResource:
    """A schedule whose ticks reach the application; `expression` is EventBridge's, as `rate(5 minutes)`."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class AwsResources:
    """A module's tables, queues, state machines and schedules. A module provides it, and nothing is wired by
    hand: local runs create what is named, and `cqrs-nest tables` creates and checks the tables.

    >>> from cqrs_nest.common import Module, provide
    >>> @Module(providers=[provide(AwsResources, use_value=AwsResources(tables=[TableResource("jobs")]))])
    ... class JobModule: ...
    """

    tables: Sequence[TableResource] = ()
    queues: Sequence[QueueResource] = ()
    state_machines: Sequence[StateMachineResource] = ()
    schedules: Sequence[ScheduleResource] = ()
