"""What the function's role is permitted: for each resource the actions that are called on it, no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cqrs_nest.aws import QueueResource, StateMachineResource
from cqrs_nest.aws.dynamodb import table_prefix
from cqrs_nest.commands.tables import NeededTable
from cqrs_nest.config import Environment

ResourceKind: TypeAlias = Literal[
    "table",
    "stream",
    "topic",
    "queue",
    "bucket",
    "objects",
    "state-machine",
    "sender",
    "appsync",
    "appsync-events",
    "other",
]
"""`stream` is that of a table, `objects` are those of the bucket, `sender` is the address that mail comes
from; an `other` one is named by its ARN."""

MAIN_TOPIC = "main-sns"
ALARM_TOPIC = "alarm-sns"
DEAD_LETTERS = "dead-letters"
"""The queue of commands that could not be applied, for `DEAD_LETTER_QUEUE_URL`."""
FAILED_INVOCATIONS = "failed-invocations"
"""The queue of what Lambda could not hand over: where in a stream it was, or the event of a schedule."""
BUCKET = "attributes"

STREAM_CALLS = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
QUEUE_CALLS = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
RECOVERY_CALLS = ("DescribeTable", "Scan")
MAIL_CALLS = ("SendEmail", "SendRawEmail", "SendTemplatedEmail")
"""An e-mail with a text of its own, with attachments, and from a template."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Actions on one resource, such as `dynamodb:GetItem`, and what they are for.

    `name` is the resource's name without stage and service; for a resource of kind `other` its ARN.
    """

    kind: ResourceKind
    name: str
    actions: tuple[str, ...]
    reason: str


def table_permissions(
    environment: Environment, tables: Iterable[NeededTable], recovered: Iterable[str]
) -> Iterator[Permission]:
    """Those of tables and their streams; the physical tables `recovered` are also read as a whole."""
    whole = set(recovered)
    for table in tables:
        name = table.name.removeprefix(table_prefix(environment))
        yield permission("table", name, "dynamodb", table.calls, "what the application reads and writes")
        if table.name in whole:
            yield permission("table", name, "dynamodb", RECOVERY_CALLS, "recovery by schedule")
        if table.is_streamed:
            yield permission("stream", name, "dynamodb", STREAM_CALLS, "event source")


def message_permissions(queues: Iterable[QueueResource]) -> Iterator[Permission]:
    """Those of topics and queues."""
    yield permission("topic", MAIN_TOPIC, "sns", ["Publish"], "domain events and statuses")
    yield permission("topic", ALARM_TOPIC, "sns", ["Publish"], "alarms")
    yield permission("queue", DEAD_LETTERS, "sqs", ["SendMessage"], "commands that cannot be applied")
    for queue in queues:
        yield permission("queue", queue.name, "sqs", QUEUE_CALLS, "event source")


def invocation_permissions() -> Iterator[Permission]:
    """Those of Lambda itself, where it invokes the function for a stream or a schedule."""
    yield permission("queue", FAILED_INVOCATIONS, "sqs", ["SendMessage"], "what Lambda cannot hand over")


def bucket_permissions() -> Iterator[Permission]:
    """Those of the bucket for large attributes."""
    calls = ["DeleteObject", "GetObject", "PutObject"]
    yield permission("objects", BUCKET, "s3", calls, "large attributes")
    # Without it S3 answers 403 in place of 404, and a lost object could not be told from a forbidden one.
    yield permission("bucket", BUCKET, "s3", ["ListBucket"], "to tell that an object is lost")


def notification_permissions(environment: Environment, transports: Iterable[str]) -> Iterator[Permission]:
    """Those of the transports that are shipped; requests are signed."""
    for transport in transports:
        if transport == "appsync-graphql":
            field = "types/Mutation/fields/sendMessage"
            yield permission("appsync", field, "appsync", ["GraphQL"], "notifications")
        elif transport == "appsync-event":
            namespace = f"channelNamespace/{environment.appsync_events_namespace}"
            yield permission("appsync-events", namespace, "appsync", ["EventPublish"], "notifications")


def state_machine_permissions(machines: Iterable[StateMachineResource]) -> Iterator[Permission]:
    """Those of state machines."""
    for machine in machines:
        yield permission("state-machine", machine.name, "states", machine.calls, "executions")


def permission(kind: ResourceKind, name: str, service: str, calls: Sequence[str], reason: str) -> Permission:
    """A permission for calls of one service.

    >>> permission("table", "jobs", "dynamodb", ["GetItem"], "reads").actions
    ('dynamodb:GetItem',)
    """
    return Permission(kind, name, tuple(f"{service}:{call}" for call in sorted(calls)), reason)


def actions_by_resource(permissions: Iterable[Permission]) -> dict[tuple[ResourceKind, str], tuple[str, ...]]:
    """All actions on each resource, by its kind and name."""
    found: dict[tuple[ResourceKind, str], set[str]] = {}
    for each in permissions:
        found.setdefault((each.kind, each.name), set()).update(each.actions)
    return {resource: tuple(sorted(actions)) for resource, actions in found.items()}
