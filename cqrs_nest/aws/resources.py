"""What a module needs of the account besides its command tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ITEM_CALLS = (
    "BatchGetItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
)
"""What `DynamoDbService` does with items and queries; reading a whole table, `Scan`, is not of them."""


@dataclass(frozen=True, slots=True)
class TableResource:
    """A table with the keys pk and sk, by its name without stage and service; a stream carries new images.

    `calls` are the actions of DynamoDB that the module uses on it; the function is permitted no others. One
    that `is_optional` is another module's: it is read if it is there, and not made.
    """

    name: str
    is_streamed: bool = False
    calls: Sequence[str] = ITEM_CALLS
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class QueueResource:
    """A queue that gets the main topic's messages of some actions, raw, and hands them to the application.

    In AWS its name begins with stage and service: compare it by `event.queue_name.endswith("orders")`.
    Raises ValueError for a FIFO queue, to which SNS delivers from FIFO topics only.
    """

    name: str
    actions: Sequence[str]

    def __post_init__(self) -> None:
        """Refuse what could not be made."""
        if self.name.endswith(".fifo"):
            raise ValueError(f"The queue {self.name!r} cannot be FIFO: the main topic is a standard topic.")


@dataclass(frozen=True, slots=True)
class StateMachineResource:
    """A state machine whose tasks invoke the application.

    `definition` is its text in Amazon States Language; `${LambdaFunctionArn}` stands for the function.
    `variable` is the environment variable by which the application finds it, `calls` are the actions of Step
    Functions that it uses on it.
    """

    name: str
    definition: str
    variable: str | None = None
    calls: Sequence[str] = ("StartExecution",)


@dataclass(frozen=True, slots=True)
class ScheduleResource:
    """A schedule whose ticks reach the application; `expression` is EventBridge's, as `rate(5 minutes)`.

    In AWS its name begins with stage and service: compare it by `event.schedule_name.endswith("nightly")`.
    """

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class PermissionResource:
    """What the application calls by itself: actions, as `s3:GetObject`, and the ARN that they are for."""

    actions: Sequence[str]
    arn: str


@dataclass(frozen=True, slots=True)
class AwsResources:
    """A module's tables, queues, state machines, schedules and permissions. A module provides it, and nothing
    is wired by hand: local runs create what is named, `cqrs-nest tables` creates and checks the tables, and
    `cqrs-nest infra` writes all of it into a template.

    >>> from cqrs_nest.common import Module, provide
    >>> @Module(providers=[provide(AwsResources, use_value=AwsResources(tables=[TableResource("jobs")]))])
    ... class JobModule: ...
    """

    tables: Sequence[TableResource] = ()
    queues: Sequence[QueueResource] = ()
    state_machines: Sequence[StateMachineResource] = ()
    schedules: Sequence[ScheduleResource] = ()
    permissions: Sequence[PermissionResource] = ()
