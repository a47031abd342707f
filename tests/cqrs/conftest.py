"""A service on emulated AWS whose queue subscribes to its own topic."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from cqrs_nest.aws import AwsSession
from cqrs_nest.common import DynamicModule
from cqrs_nest.config import Environment
from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import CqrsModule
from cqrs_nest.events import BatchResponse, EventService
from cqrs_nest.events.lambda_events import queue_event
from cqrs_nest.testing import Test, TestingModule
from tests.emulated_aws import emulated_aws

REGION = "eu-west-1"
ACCOUNT = "123456789012"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"
TABLES = ("todo-command", "todo-data", "todo-history", "session")


class Service:
    """The running service, its tables and its queue."""

    def __init__(self, module: TestingModule) -> None:
        self.module = module
        self.session = module.get(AwsSession)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The raw rows of a table."""
        found: list[dict[str, Any]] = self.session.client("dynamodb").scan(TableName=f"local-test-{table}")[
            "Items"
        ]
        return found

    def receive(self) -> list[dict[str, Any]]:
        """Take everything off the queue, as SQS gives it."""
        sqs = self.session.client("sqs")
        url = sqs.get_queue_url(QueueName="events")["QueueUrl"]
        found: list[dict[str, Any]] = []
        while received := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        ).get("Messages"):
            for message in received:
                found.append(message)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def lose_topic(self) -> Callable[[], None]:
        """Take the topic away; gives the way back."""
        self.session.client("sns").delete_topic(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:topic")
        return lambda: create_topic(self.session)

    async def consume(self, messages: list[dict[str, Any]]) -> BatchResponse:
        """Hand messages of the queue to the service, as Lambda does."""
        response = await self.module.get(EventService).handle(queue_event(messages, QUEUE_ARN))
        assert isinstance(response, BatchResponse)
        return response


StartService = Callable[..., Any]


@pytest.fixture
def emulator() -> Iterator[None]:
    with emulated_aws():
        yield


@pytest.fixture
async def start(emulator: None) -> AsyncIterator[StartService]:
    """Starts a service with a root module, providers and the table `todo`."""
    async with AsyncExitStack() as stack:

        async def start_service(
            *providers: Any,
            root: DynamicModule | None = None,
            imports: Sequence[Any] = (),
            raw: bool = False,
            **options: Any,
        ) -> Service:
            environment = Environment(
                node_env="local",
                app_name="test",
                dynamodb_region=REGION,
                sns_region=REGION,
                sqs_region=REGION,
                sns_topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:topic",
            )
            table = CqrsModule.register(**{"table_name": "todo", **options})
            module = await Test.create_testing_module(
                imports=[root or CqrsModule.for_root(), table, *imports], providers=providers, env=environment
            ).compile()
            await module.initialize()
            stack.push_async_callback(module.close)
            _create_resources(module.get(AwsSession), raw)
            return Service(module)

        yield start_service


@pytest.fixture
def alice() -> Invoke:
    """A request of alice, of the tenant acme, in a trace."""
    claims = {"sub": "alice", "custom:tenant": "acme"}
    event = {
        "headers": {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
    }
    return Invoke(event, {"awsRequestId": "r1"})


def _create_resources(session: AwsSession, raw: bool) -> None:
    dynamodb, sqs = session.client("dynamodb"), session.client("sqs")
    for name in TABLES:
        dynamodb.create_table(
            TableName=f"local-test-{name}",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
    sqs.create_queue(QueueName="events")
    create_topic(session, raw)


def create_topic(session: AwsSession, raw: bool = False) -> None:
    """The topic, to which the queue subscribes."""
    sns = session.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    attributes = {
        "FilterPolicy": json.dumps({"action": ["event"]}),
        "RawMessageDelivery": str(raw).lower(),
    }
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE_ARN, Attributes=attributes)
