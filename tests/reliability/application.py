"""The application whose operations are cut off: three tables, which send their messages in different ways."""

from __future__ import annotations

import json
from typing import Any

from cqrs_nest.aws import AwsModule, AwsSession, DynamoDbService
from cqrs_nest.commands import CommandModel, CommandModule, CommandService, CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.events import EventModule, EventService
from cqrs_nest.pipeline import PipelineModule

REGION = "eu-west-1"
PK = "TODO#acme"
PREFIX = "local-test-"
TABLES = ("projected", "inline", "stream")
PROJECTION = f"{PREFIX}projection"
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/{}/stream/1"


class Projection:
    """Carries items on to another table; the newest wins."""

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb

    async def up(self, command: CommandModel) -> None:
        sk = command.sk.rpartition("@")[0]
        await self._dynamodb.put_item(PROJECTION, {"pk": PK, "sk": sk, "version": command.version})

    async def down(self, command: CommandModel) -> None: ...


@Module(
    imports=[
        AwsModule,
        EventModule,
        PipelineModule,
        CommandModule.register(table_name="projected", data_sync_handlers=[Projection], imports=[AwsModule]),
        CommandModule.register(table_name="inline"),
        CommandModule.register(table_name="stream", events="stream"),
    ]
)
class Root:
    """Everything."""


async def start(url: str) -> Container:
    """The application on an emulator (without an address: in this process), its clients not used yet."""
    services = ("dynamodb", "s3", "sns", "sqs")
    settings = {f"{service}_{name}": value for service in services for name, value in _address(url)}
    environment = Environment(
        node_env="local",
        app_name="test",
        s3_bucket_name="bucket",
        sns_topic_arn=f"arn:aws:sns:{REGION}:123456789012:topic",
        **settings,
    )
    container = await Container.create(DynamicModule(Root, imports=[ConfigModule.for_root(environment)]))
    await container.initialize()
    for service in services:
        container.get(AwsSession).client(service)
    return container


def _address(url: str) -> list[tuple[str, str]]:
    return [*([("endpoint", url)] if url else []), ("region", REGION)]


def create_resources(session: AwsSession) -> None:
    """Make the tables, the topic and its subscriber."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    kinds = [f"{table}-{kind}" for table in TABLES for kind in ("command", "data", "history")]
    for name in [*(PREFIX + kind for kind in kinds), f"{PREFIX}master-data", PROJECTION]:
        session.client("dynamodb").create_table(
            TableName=name,
            KeySchema=keys,
            AttributeDefinitions=[{"AttributeName": k["AttributeName"], "AttributeType": "S"} for k in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    topic = session.client("sns").create_topic(Name="topic")["TopicArn"]
    session.client("sqs").create_queue(QueueName="subscriber")
    session.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:123456789012:subscriber",
        Attributes={"RawMessageDelivery": "true"},
    )


class Item:
    """One item of one table: what is done to it, and what has become of it."""

    def __init__(self, container: Container, table: str, sk: str) -> None:
        entry = container.get(CommandTableRegistry).table(table)
        assert entry is not None
        self.commands, self.notes = entry.get(CommandService), entry.get(PublishNotes)
        self._events, self.session = container.get(EventService), container.get(AwsSession)
        self.table, self.sk = table, sk

    def entity(self, version: int, name: str) -> dict[str, Any]:
        return {"pk": PK, "sk": self.sk, "id": f"{PK}#{self.sk}", "name": name, "version": version}

    async def perform(self, operation: str) -> None:
        """Run an operation to its very end."""
        how, _, what = operation.partition(" ")
        if how == "deliver":
            await self.deliver()
            return
        if what == "partial update":
            publish = getattr(self.commands, f"publish_partial_update_{how}")
        else:
            publish = getattr(self.commands, f"publish_{how}")
        await publish(self.entity(0 if what == "create" else 1, "wanted"))
        await self.notes.drain()

    async def prepare(self, operation: str) -> None:
        """Bring about what an operation starts from."""
        if operation.endswith("update"):
            await self.commands.publish_sync(self.entity(0, "before"))
            await self.notes.drain()
        if operation.startswith("deliver"):
            version = 1 if operation.endswith("update") else 0
            await self.commands.publish_async(self.entity(version, "wanted"))
            await self.notes.drain()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The item's rows of a table in DynamoDB JSON."""
        name = PROJECTION if kind == "projection" else f"{PREFIX}{self.table}-{kind}"
        items = self.session.client("dynamodb").scan(TableName=name, ConsistentRead=True)["Items"]
        mine = [item for item in items if item["sk"]["S"].partition("@")[0] == self.sk]
        return sorted(mine, key=lambda item: int(item["version"]["N"]))

    async def deliver(self) -> None:
        """Deliver the stream records of all the item's commands."""
        for row in self.rows("command"):
            image = dict(row)
            if "syncMode" not in image:
                image.pop("status", None)
            change = {"Keys": {"pk": row["pk"], "sk": row["sk"]}, "NewImage": image, "SequenceNumber": "1"}
            record = {"eventID": "e", "eventName": "INSERT", "eventSource": "aws:dynamodb"}
            arn = ARN.format(f"{PREFIX}{self.table}-command")
            answer = await self._events.handle(
                {"Records": [{**record, "dynamodb": change, "eventSourceARN": arn}]}
            )
            if answer["batchItemFailures"]:
                raise RuntimeError(f"{row['sk']['S']} will be delivered again")

    def events(self) -> list[int]:
        """The versions of the domain events that the subscriber got."""
        sqs = self.session.client("sqs")
        url = sqs.get_queue_url(QueueName="subscriber")["QueueUrl"]
        found: list[int] = []
        while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                body = json.loads(message["Body"])
                if body["action"] == "domain-event" and body["sk"].startswith(f"{self.sk}@"):
                    found.append(body["version"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found
