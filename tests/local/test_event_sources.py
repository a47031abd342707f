"""Streams and queues of the embedded AWS arrive at the application as Lambda events."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from cqrs_nest.aws import AwsSession
from cqrs_nest.config import Environment
from cqrs_nest.local import stream_poller
from cqrs_nest.local.embedded_aws import EmbeddedAws, Queue
from cqrs_nest.local.queue_poller import QueuePoller
from cqrs_nest.local.stream_poller import StreamPoller

TABLE = "local-test-todo-command"
QUEUE = Queue("activity-queue", actions=["domain-event"])


class Recorder:
    """Takes deliveries and reports those as failed that a test wants to fail."""

    def __init__(self) -> None:
        self.deliveries: list[list[str]] = []
        self.records: list[Mapping[str, Any]] = []
        self.failing: set[str] = set()
        self.delivered = asyncio.Condition()

    async def __call__(self, event: Mapping[str, Any]) -> Any:
        names = [self._name(record) for record in event["Records"]]
        async with self.delivered:
            self.deliveries.append(names)
            self.records.extend(event["Records"])
            self.delivered.notify_all()
        failed = [
            record for name, record in zip(names, event["Records"], strict=True) if name in self.failing
        ]
        return {"batchItemFailures": [{"itemIdentifier": self._identifier(record)} for record in failed]}

    async def wait_for(self, name: str, times: int) -> None:
        async with asyncio.timeout(10), self.delivered:
            await self.delivered.wait_for(lambda: sum(name in names for names in self.deliveries) >= times)

    @staticmethod
    def _name(record: Mapping[str, Any]) -> str:
        return record["body"] if "body" in record else record["dynamodb"]["Keys"]["sk"]["S"]

    @staticmethod
    def _identifier(record: Mapping[str, Any]) -> str:
        return record.get("messageId") or record["dynamodb"]["SequenceNumber"]


@pytest.fixture
async def aws() -> AsyncIterator[EmbeddedAws]:
    aws = EmbeddedAws()
    yield aws
    await aws.close()


@pytest.fixture
async def session(aws: EmbeddedAws) -> AsyncIterator[AwsSession]:
    session = AwsSession(
        Environment.load(environ={"NODE_ENV": "local", "APP_NAME": "test", **aws.variables()})
    )
    await aws.create_bases(session)
    yield session
    await session.on_application_shutdown()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def stream(aws: EmbeddedAws, session: AwsSession, recorder: Recorder) -> AsyncIterator[StreamPoller]:
    arn = await aws.create_streamed_table(session, TABLE)
    poller = StreamPoller(session, arn, recorder, aws.table_writes)
    poller.start()
    yield poller
    await poller.stop()


@pytest.fixture
async def queue(aws: EmbeddedAws, session: AwsSession, recorder: Recorder) -> AsyncIterator[QueuePoller]:
    url = await aws.create_queue(session, QUEUE)
    poller = QueuePoller(session, url, QUEUE.arn, recorder, aws.queue_writes)
    poller.start()
    yield poller
    await poller.stop()


async def put(session: AwsSession, sk: str, **attributes: Any) -> None:
    item = {"pk": {"S": "TODO#acme"}, "sk": {"S": sk}, **attributes}
    await session.call("dynamodb", "put_item", TableName=TABLE, Item=item)


async def publish(session: AwsSession, body: str, action: str = "domain-event") -> None:
    topic = "arn:aws:sns:ap-northeast-1:123456789012:CqrsSnsTopic"
    attributes = {"action": {"DataType": "String", "StringValue": action}}
    await session.call("sns", "publish", TopicArn=topic, Message=body, MessageAttributes=attributes)


async def test_inserts_arrive_in_order_as_lambda_records(
    session: AwsSession, stream: StreamPoller, recorder: Recorder
) -> None:
    for number in range(5):
        await put(session, f"A@{number}", blob={"B": b"\x00\x01"})
    await stream.caught_up()

    assert [name for names in recorder.deliveries for name in names] == [f"A@{n}" for n in range(5)]
    record = recorder.records[0]
    assert record["eventSourceARN"].startswith(
        f"arn:aws:dynamodb:ap-northeast-1:123456789012:table/{TABLE}/stream/"
    )
    assert record["awsRegion"] == "ap-northeast-1"
    assert record["dynamodb"]["NewImage"]["blob"] == {"B": "AAE="}
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], int)
    json.dumps(record)


async def test_updates_of_rows_are_not_delivered(
    session: AwsSession, stream: StreamPoller, recorder: Recorder
) -> None:
    await put(session, "A@1")
    await put(session, "A@1", status={"S": "finish:FINISHED"})
    await stream.caught_up()

    assert recorder.deliveries == [["A@1"]]


async def test_inserts_behind_many_updates_are_delivered(
    aws: EmbeddedAws, session: AwsSession, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_poller, "_BATCH_SIZE", 5)
    arn = await aws.create_streamed_table(session, TABLE)
    await put(session, "A@1")
    for number in range(6):
        await put(session, "A@1", n={"N": str(number)})
    await put(session, "A@2")
    poller = StreamPoller(session, arn, recorder, aws.table_writes)
    poller.start()
    await poller.caught_up()
    await poller.stop()
    assert [name for names in recorder.deliveries for name in names] == ["A@1", "A@2"]


async def test_a_failing_record_is_delivered_again_and_holds_back_its_item_alone(
    session: AwsSession, stream: StreamPoller, recorder: Recorder
) -> None:
    recorder.failing.add("B@1")
    await put(session, "A@1")
    await put(session, "B@1")
    await recorder.wait_for("B@1", times=2)
    await put(session, "B@2")
    await put(session, "C@1")
    await recorder.wait_for("C@1", times=1)
    await recorder.wait_for("B@2", times=1)
    assert not stream.is_caught_up

    recorder.failing.clear()
    await stream.caught_up()
    for name, times in (("A@1", 1), ("C@1", 1)):
        assert sum(name in names for names in recorder.deliveries) == times
    assert [name for name in recorder.deliveries[-1] if name[0] == "B"] == ["B@1", "B@2"]


async def test_what_keeps_failing_does_not_slow_down_the_rest(
    aws: EmbeddedAws, session: AwsSession, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_poller, "_BATCH_SIZE", 10)
    arn = await aws.create_streamed_table(session, TABLE)
    poison = [f"P{number}@1" for number in range(12)]
    recorder.failing.update(poison)
    for name in [*poison, "A@1"]:
        await put(session, name)
    poller = StreamPoller(session, arn, recorder, aws.table_writes)
    # Each poll reads a full batch of new records, whatever is held back, and none of them waits.
    assert await poller.poll()
    assert await poller.poll()
    new = [[name for name in names if name not in recorder.deliveries[0]] for names in recorder.deliveries]
    assert len(recorder.deliveries[0]) == 10
    assert new[1] == [*poison[10:], "A@1"]


async def test_a_message_arrives_raw_and_only_with_a_subscribed_action(
    session: AwsSession, queue: QueuePoller, recorder: Recorder
) -> None:
    await publish(session, '{"action":"domain-event"}')
    await publish(session, '{"action":"command-status"}', action="command-status")
    await queue.caught_up()

    [record] = recorder.records
    assert record["body"] == '{"action":"domain-event"}'
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == QUEUE.arn
    assert record["messageAttributes"]["action"]["stringValue"] == "domain-event"


async def test_only_failed_messages_come_again(
    session: AwsSession, queue: QueuePoller, recorder: Recorder
) -> None:
    recorder.failing.add("bad")
    await publish(session, "good")
    await publish(session, "bad")
    await recorder.wait_for("bad", times=2)
    assert not queue.is_caught_up

    recorder.failing.clear()
    await queue.caught_up()
    assert sum("good" in names for names in recorder.deliveries) == 1


async def test_an_error_of_the_application_is_a_failure_of_the_whole_batch(
    aws: EmbeddedAws, session: AwsSession
) -> None:
    attempts: list[int] = []

    async def deliver(event: Mapping[str, Any]) -> Any:
        attempts.append(len(event["Records"]))
        if len(attempts) == 1:
            raise RuntimeError("no handler")
        return None

    arn = await aws.create_streamed_table(session, TABLE)
    poller = StreamPoller(session, arn, deliver, aws.table_writes)
    await put(session, "A@1")
    await put(session, "A@2")
    poller.start()
    await poller.caught_up()
    await poller.stop()
    assert attempts == [2, 2]


async def test_stopping_waits_for_the_delivery_in_hand(aws: EmbeddedAws, session: AwsSession) -> None:
    started, released = asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def deliver(event: Mapping[str, Any]) -> Any:
        started.set()
        await released.wait()
        finished.append("delivery")
        return None

    arn = await aws.create_streamed_table(session, TABLE)
    poller = StreamPoller(session, arn, deliver, aws.table_writes)
    poller.start()
    await put(session, "A@1")
    await started.wait()
    stopping = asyncio.create_task(poller.stop())
    released.set()
    await stopping
    assert finished == ["delivery"]


async def test_the_process_sees_no_other_account_while_the_embedded_one_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_PROFILE", "production")
    aws = EmbeddedAws()
    try:
        assert os.environ["AWS_ACCESS_KEY_ID"] == "embedded"
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_ENDPOINT_URL"] == aws.url
    finally:
        await aws.close()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "real"
    assert os.environ["AWS_PROFILE"] == "production"
