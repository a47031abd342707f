"""The emulated AWS of a scenario: resources, seeding, snapshots, messages and faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cqrs_nest.aws import AwsSession
from cqrs_nest.config import Environment
from tests.golden.recordings import (
    attribute_for_seed,
    encode_text,
    is_injected,
    mask,
    mask_stack,
    normal_row,
    row_id,
)

REGION = "ap-northeast-1"
ACCOUNT = "123456789012"
BUCKET = "local-bucket"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:CqrsSnsTopic"
ALARM_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:AlarmSnsTopic"
STATE_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:command"
PREFIX = "local-demo-"
TABLES = [
    *(
        f"{module}-{kind}"
        for module in ("todo", "note", "dup", "master")
        for kind in ("command", "data", "history")
    ),
    "session",
    "sequences",
    "tasks",
]
_CLIENTS = {"DynamoDB": "dynamodb", "SNS": "sns", "S3": "s3", "SFN": "stepfunctions", "SQS": "sqs"}
_HERE_PART_OF = {
    "PutItem": ("TransactWriteItems",),
    "GetItem": ("BatchGetItem", "Query"),
    "Publish": ("PublishBatch",),
}


def environment(recorded: Mapping[str, str | None]) -> Environment:
    """The settings of the recorded service."""
    return Environment(
        node_env="local",
        app_name="demo",
        attribute_limit_size=int(recorded.get("ATTRIBUTE_LIMIT_SIZE") or 2000),
        ryw_session_ttl_minutes=float(recorded.get("RYW_SESSION_TTL_MINUTES") or 0),
        dynamodb_region=REGION,
        s3_region=REGION,
        sns_region=REGION,
        sqs_region=REGION,
        sfn_region=REGION,
        s3_bucket_name=BUCKET,
        sns_topic_arn=TOPIC,
        sns_alarm_topic_arn=ALARM_TOPIC,
        sfn_command_arn=STATE_MACHINE,
    )


class World:
    """Emulated AWS, reached through the application's own clients."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self.dynamodb = session.client("dynamodb")
        self._s3 = session.client("s3")
        self._sqs = session.client("sqs")
        self._queues = self._create()
        self.calls: list[str] = []
        """The application's calls since it was cleared."""

    def seed(
        self, rows: Iterable[tuple[str, Mapping[str, Any]]], objects: Iterable[tuple[str, str, str]]
    ) -> None:
        """Make these rows and objects the only ones, and forget all messages."""
        for table, pk, sk in self.rows():
            self.dynamodb.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        for listed in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            self._s3.delete_object(Bucket=BUCKET, Key=listed["Key"])
        for table, row in rows:
            item = {name: attribute_for_seed(value) for name, value in row.items()}
            self.dynamodb.put_item(TableName=table, Item=item)
        for key, kind, body in objects:
            self._s3.put_object(Bucket=BUCKET, Key=key, ContentType=kind, Body=body.encode())

    def rows(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Every row of every table, by table and key."""
        return {
            row_id(PREFIX + table, item): normal_row(item)
            for table in TABLES
            for item in self.dynamodb.scan(TableName=PREFIX + table)["Items"]
        }

    def row(self, table: str, pk: str, sk: str) -> dict[str, Any] | None:
        """One row, with the physical name of its table."""
        found = self.dynamodb.get_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        return normal_row(found["Item"]) if "Item" in found else None

    def delete_object(self, key: str) -> None:
        """Lose an object."""
        self._s3.delete_object(Bucket=BUCKET, Key=key)

    def objects(self) -> list[dict[str, Any]]:
        """Every object as recordings show it."""
        found: list[dict[str, Any]] = []
        for listed in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            answer = self._s3.get_object(Bucket=BUCKET, Key=listed["Key"])
            body = answer["Body"].read().decode()
            found.append(
                {"Key": mask(listed["Key"]), "ContentType": answer["ContentType"], "Body": encode_text(body)}
            )
        return sorted(found, key=lambda entry: entry["Key"])

    def object_texts(self) -> Iterator[str]:
        for listed in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            yield self._s3.get_object(Bucket=BUCKET, Key=listed["Key"])["Body"].read().decode()

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """The messages that have come to a queue, which are taken off."""
        found: list[dict[str, Any]] = []
        url = self._queues[queue]
        while answer := self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in answer:
                attributes = {
                    name: {"DataType": value["DataType"], "StringValue": value["StringValue"]}
                    for name, value in message.get("MessageAttributes", {}).items()
                }
                found.append({"Body": mask_stack(message["Body"]), "MessageAttributes": attributes})
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found, key=lambda message: message["Body"])

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Note the calls that are made meanwhile."""

        def note(model: Any, **_: Any) -> None:
            self.calls.append(model.name)

        clients = [self._session.client(name) for name in ("dynamodb", "s3", "sns")]
        for client in clients:
            client.meta.events.register("before-call", note)
        try:
            yield
        finally:
            for client in clients:
                client.meta.events.unregister("before-call", note)

    @contextmanager
    def faults(self, calls: Iterable[Mapping[str, Any]], message: str = "injected") -> Iterator[None]:
        """Let those calls fail that failed by injection when they were recorded: all to the same target.

        Where the first such call went well, the one that failed is not made here: a row is read once. A put
        may be part of a transaction here, and a read part of a batch or a query.
        """
        seen: set[tuple[str, str, str]] = set()
        registered: list[tuple[Any, str, Any]] = []
        for call in calls:
            place = (call["service"], call["op"], call["target"])
            is_first, _ = place not in seen, seen.add(place)
            if is_injected(call) and (is_first or call["op"] == "PutItem"):
                registered += self._register(*place, call["error"], message)
        try:
            yield
        finally:
            for events, event, handler in registered:
                events.unregister(event, handler)

    def _register(
        self, service: str, operation: str, target: str, error: str, message: str
    ) -> Iterator[tuple[Any, str, Any]]:
        def fail(params: Mapping[str, Any], **_: Any) -> Any:
            if not all(
                part in str(params) for part in (target.rpartition("/")[0], target.rpartition(":")[2])
            ):
                return None
            return _Response(), {"Error": {"Code": error, "Message": message}, "ResponseMetadata": {}}

        name = _CLIENTS[service]
        events = self._session.client(name).meta.events
        for each in (operation, *_HERE_PART_OF.get(operation, ())):
            event = f"before-call.{name.replace('stepfunctions', 'sfn')}.{each}"
            events.register(event, fail)
            yield events, event, fail

    def _create(self) -> dict[str, str]:
        for table in TABLES:
            self.dynamodb.create_table(
                TableName=PREFIX + table,
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        self._s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        sns = self._session.client("sns")
        queues: dict[str, str] = {}
        for topic, queue in (("CqrsSnsTopic", "all-raw"), ("AlarmSnsTopic", "alarm-queue")):
            arn = sns.create_topic(Name=topic)["TopicArn"]
            queues[queue] = self._sqs.create_queue(QueueName=queue)["QueueUrl"]
            sns.subscribe(
                TopicArn=arn,
                Protocol="sqs",
                Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
                Attributes={"RawMessageDelivery": "true"},
            )
        return queues


class _Response:
    status_code = 400


def recorded_messages(messages: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Recorded messages in the order the world gives its own."""
    found = ({**message, "Body": mask_stack(message["Body"])} for message in messages or [])
    return sorted(found, key=lambda message: message["Body"])
