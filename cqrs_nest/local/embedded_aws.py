"""AWS inside the process: DynamoDB with streams, SNS, SQS, S3 and Step Functions, on a free port."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cqrs_nest.infrastructure.plan import COMMAND_STATE_MACHINE
from cqrs_nest.local.functions import Handler, LocalFunctions
from cqrs_nest.local.write_signal import WriteSignal

if TYPE_CHECKING:
    from cqrs_nest.aws import AwsSession
    from cqrs_nest.local.state_machines import StateMachine

REGION = "ap-northeast-1"
ACCOUNT = "123456789012"
MAIN_TOPIC = "CqrsSnsTopic"
ALARM_TOPIC = "AlarmSnsTopic"
DEAD_LETTERS = "dead-letters"
BUCKET = "local-bucket"
FUNCTION = "local-main"
TASK_STATE_MACHINE = "sfn-task"

_KEY_SCHEMA = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
_KEY_ATTRIBUTES = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
_SERVICES = ("DYNAMODB", "S3", "SNS", "SQS", "SFN")


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that subscribes to the main topic and receives the messages with one of these actions, raw."""

    name: str
    actions: Sequence[str] = ()

    @property
    def arn(self) -> str:
        """The ARN of the queue in the embedded account."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"


class EmbeddedAws:
    """An emulated account for development. Nothing of it is left when the process ends.

    Use one at a time: the emulator keeps its state for the whole process. While it runs, the `AWS_*`
    variables of the process point to it, so that no call can reach a real account by mistake.
    """

    def __init__(self) -> None:
        # Imported here: the emulator takes a third of a second, and only development needs it.
        from cqrs_nest.local.moto_server import MotoServer

        self.table_writes = WriteSignal()
        self.queue_writes = WriteSignal()
        signals = {"dynamodb": self.table_writes, "queues": self.queue_writes}
        self._functions = LocalFunctions()
        self._server = MotoServer(lambda service: signals[service].record(), self._functions)
        self._shadowed = _set_variables(self._process_variables())

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return self._server.url

    def variables(self) -> dict[str, str]:
        """The environment variables by which an application finds the emulated account."""
        endpoints = {f"{service}_ENDPOINT": self.url for service in _SERVICES}
        regions = {f"{service}_REGION": REGION for service in _SERVICES}
        return {
            **endpoints,
            **regions,
            "S3_BUCKET_NAME": BUCKET,
            "SNS_TOPIC_ARN": _topic_arn(MAIN_TOPIC),
            "SNS_ALARM_TOPIC_ARN": _topic_arn(ALARM_TOPIC),
            "DEAD_LETTER_QUEUE_URL": f"{self.url}/{ACCOUNT}/{DEAD_LETTERS}",
            "SFN_COMMAND_ARN": _state_machine_arn(COMMAND_STATE_MACHINE),
            "SFN_TASK_ARN": _state_machine_arn(TASK_STATE_MACHINE),
        }

    async def create_bases(self, session: AwsSession) -> None:
        """Create the topics, the dead-letter queue and the bucket."""
        for topic in (MAIN_TOPIC, ALARM_TOPIC):
            await session.call("sns", "create_topic", Name=topic)
        await session.call("sqs", "create_queue", QueueName=DEAD_LETTERS)
        location = {"LocationConstraint": REGION}
        await session.call("s3", "create_bucket", Bucket=BUCKET, CreateBucketConfiguration=location)

    async def create_tables(self, session: AwsSession, names: Iterable[str]) -> None:
        """Create tables with the keys pk and sk, expiry by `ttl` and no stream."""
        for name in names:
            await self._create_table(session, name, {})

    async def create_streamed_table(self, session: AwsSession, name: str) -> str:
        """Create a table whose stream carries new images; gives the ARN of the stream."""
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        table = await self._create_table(session, name, {"StreamSpecification": stream})
        arn: str = table["LatestStreamArn"]
        return arn

    async def create_queue(self, session: AwsSession, queue: Queue) -> str:
        """Create a queue and its subscription to the main topic; gives the URL of the queue."""
        url: str = (await session.call("sqs", "create_queue", QueueName=queue.name))["QueueUrl"]
        await session.call(
            "sns",
            "subscribe",
            TopicArn=_topic_arn(MAIN_TOPIC),
            Protocol="sqs",
            Endpoint=queue.arn,
            Attributes=_subscription_attributes(queue),
        )
        return url

    async def create_state_machine(
        self, session: AwsSession, machine: StateMachine, handler: Handler
    ) -> None:
        """Create a state machine whose tasks call `handler`, as they would invoke a Lambda function."""
        self._functions.deploy(FUNCTION, handler)
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
        await session.call(
            "stepfunctions",
            "create_state_machine",
            name=machine.name,
            definition=machine.definition.replace("${LambdaFunctionArn}", function),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/{FUNCTION}",
        )

    async def close(self) -> None:
        """Stop the emulator and give the process its own variables back."""
        _set_variables(self._shadowed)
        await asyncio.to_thread(self._server.close)

    async def _create_table(self, session: AwsSession, name: str, options: dict[str, Any]) -> dict[str, Any]:
        answer = await session.call(
            "dynamodb",
            "create_table",
            TableName=name,
            KeySchema=_KEY_SCHEMA,
            AttributeDefinitions=_KEY_ATTRIBUTES,
            BillingMode="PAY_PER_REQUEST",
            **options,
        )
        expiry = {"Enabled": True, "AttributeName": "ttl"}
        await session.call("dynamodb", "update_time_to_live", TableName=name, TimeToLiveSpecification=expiry)
        table: dict[str, Any] = answer["TableDescription"]
        return table

    def _process_variables(self) -> dict[str, str | None]:
        return {
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_SESSION_TOKEN": None,
            "AWS_PROFILE": None,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            # By which moto's state machines find the account they are in.
            "MOTO_PORT": str(self._server.port),
        }


def _topic_arn(name: str) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


def _state_machine_arn(name: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def _subscription_attributes(queue: Queue) -> dict[str, str]:
    attributes = {"RawMessageDelivery": "true"}
    if queue.actions:
        actions = ", ".join(f'"{action}"' for action in queue.actions)
        attributes["FilterPolicy"] = f'{{"action": [{actions}]}}'
    return attributes


def _set_variables(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Set (None: unset) variables of the process; what they were before."""
    before = {name: os.environ.get(name) for name in variables}
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before
