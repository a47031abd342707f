"""The service whose publishes are measured, and the calls of AWS that one of them makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.instant_aws import Call, InstantAws
from cqrs_nest.app import NestApplication
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import CommandService, CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.config import Environment
from cqrs_nest.cqrs import CqrsModule

REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:main"
PREFIX = "prod-bench-todo"
KINDS = ("publish_async", "publish_sync")
KEYS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


@Module(imports=[CqrsModule.register(table_name="todo")])
class Root: ...


def environment(**settings: Any) -> Environment:
    """That of a deployed service, unless the settings say something else."""
    usual: dict[str, Any] = {
        "node_env": "prod",
        "app_name": "bench",
        "log_level": "fatal",
        "check_tables": False,
        "dynamodb_region": REGION,
        "sns_region": REGION,
        "sns_topic_arn": TOPIC,
    }
    return Environment(**usual | settings)


class Publisher:
    """The table of an application, published to by either way; a publish is over with its note."""

    def __init__(self, application: NestApplication) -> None:
        table = application.get(CommandTableRegistry).tables[0]
        self.commands, self.drain = table.get(CommandService), table.get(PublishNotes).drain

    async def publish(self, kind: str, row: dict[str, Any]) -> None:
        """Publish a row by the method of that name."""
        await getattr(self.commands, kind)(row)


def new_row(number: int) -> dict[str, Any]:
    """The row of a new item."""
    sk = f"{number:08}"
    return {"pk": "TODO#acme", "sk": sk, "id": f"TODO#acme#{sk}", "name": "milk", "attributes": {"n": number}}


async def recorded_calls(
    application: NestApplication, publish: Callable[[], Awaitable[object]]
) -> list[Call]:
    """What a publish asks of instant AWS; the note that its messages are sent comes last."""
    aws, publisher = application.get(AwsSession), Publisher(application)
    assert isinstance(aws, InstantAws)
    await publish()  # the first one asks for the configuration of the expiry besides
    await publisher.drain()
    aws.calls.clear()
    await publish()
    await publisher.drain()
    return [*aws.calls]
