"""A service on emulated AWS: tables, topic and queue, with every call counted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest

from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.commands import (
    CommandModule,
    CommandService,
    CommandTableRegistry,
    DataService,
    HistoryService,
    RegisteredTable,
)
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from tests.emulated_aws import emulated_aws

REGION = "eu-west-1"
PREFIX = "local-test-"
TABLES = ("todo-command", "todo-data", "todo-history", "master-data", "session")
T = TypeVar("T")


class Service:
    """A running service with the table `todo`, and a look behind it."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.session = container.get(AwsSession)
        self.calls: list[str] = []
        """`service.Operation` of every call since it was cleared."""
        for name in ("dynamodb", "sns", "s3"):
            self.session.client(name).meta.events.register(f"before-call.{name}", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls.append(f"{model.service_model.service_id.lower()}.{model.name}")

    @property
    def table(self) -> RegisteredTable:
        entry = self.container.get(CommandTableRegistry).table("todo")
        assert entry is not None
        return entry

    @property
    def commands(self) -> CommandService:
        return self.table.get(CommandService)

    @property
    def data(self) -> DataService:
        return self.table.get(DataService)

    @property
    def history(self) -> HistoryService:
        return self.table.get(HistoryService)

    async def settle(self) -> None:
        """Wait for what publishes do after their answer."""
        await self.table.get(PublishNotes).drain()

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """The raw rows of a table by sort key."""
        client = self.session.client("dynamodb")
        items = client.scan(TableName=PREFIX + table, ConsistentRead=True)["Items"]
        return {item["sk"]["S"]: item for item in items}

    def put(self, table: str, row: Mapping[str, Any]) -> None:
        """Write a raw row, as another service would."""
        self.session.client("dynamodb").put_item(TableName=PREFIX + table, Item=row)

    def delete(self, table: str, pk: str, sk: str) -> None:
        """Take a row away, as DynamoDB does when it has expired."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        self.session.client("dynamodb").delete_item(TableName=PREFIX + table, Key=key)

    def messages(self) -> list[dict[str, Any]]:
        """The bodies that came to the topic's subscriber since the last look."""
        sqs = self.session.client("sqs")
        url = sqs.get_queue_url(QueueName="subscriber")["QueueUrl"]
        found: list[dict[str, Any]] = []
        while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def fail(self, call: str, error: str = "InternalError", times: int | None = None) -> Callable[[], None]:
        """Let a call such as `sns.Publish` fail, for good or some times; gives the way back."""
        events = self.session.client(call.partition(".")[0]).meta.events
        left = [times]

        def refuse(**_: Any) -> Any:
            if left[0] == 0:
                return None
            left[0] = None if left[0] is None else left[0] - 1
            return _Refused(), {"Error": {"Code": error, "Message": "injected"}, "ResponseMetadata": {}}

        events.register(f"before-call.{call}", refuse)
        return lambda: events.unregister(f"before-call.{call}", refuse)


class _Refused:
    status_code = 400


StartService = Callable[..., Any]


@pytest.fixture
def emulator() -> Iterator[None]:
    with emulated_aws():
        yield


@pytest.fixture
async def start(emulator: None) -> AsyncIterator[StartService]:
    """Starts a service; takes the options of `CommandModule.register`, and other providers."""
    async with AsyncExitStack() as stack:

        async def start_service(
            *, providers: tuple[Any, ...] = (), env: Mapping[str, Any] | None = None, **options: Any
        ) -> Service:
            environment = Environment(
                **{
                    "node_env": "local",
                    "app_name": "test",
                    "dynamodb_region": REGION,
                    "s3_region": REGION,
                    "sns_region": REGION,
                    "sqs_region": REGION,
                    "s3_bucket_name": "bucket",
                    "sns_topic_arn": f"arn:aws:sns:{REGION}:123456789012:topic",
                    **(env or {}),
                }
            )
            table = CommandModule.register(**{"table_name": "todo", **options})
            root = DynamicModule(
                Root, imports=[ConfigModule.for_root(environment), AwsModule, table], providers=providers
            )
            container = await Container.create(root)
            await container.initialize()
            stack.push_async_callback(container.close)
            _create_resources(container.get(AwsSession))
            return Service(container)

        yield start_service


@pytest.fixture
async def service(start: StartService) -> Service:
    """A service that leaves domain events to the stream, so that a publish makes the fewest calls."""
    started: Service = await start(events="stream")
    return started


@Module()
class Root:
    """The application."""


def _create_resources(session: AwsSession) -> None:
    dynamodb, sns, sqs = (session.client(name) for name in ("dynamodb", "sns", "sqs"))
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    for name in TABLES:
        dynamodb.create_table(
            TableName=PREFIX + name,
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    session.client("s3").create_bucket(
        Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="topic")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
