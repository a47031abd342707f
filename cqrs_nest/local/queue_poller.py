"""SQS -> Lambda events -> the application, as an event source mapping does it."""

from __future__ import annotations

from typing import Any

from cqrs_nest.aws import AwsSession
from cqrs_nest.events.lambda_events import queue_event
from cqrs_nest.local.poller import Deliver, Poller, retry_delay
from cqrs_nest.local.write_signal import WriteSignal

_BATCH_SIZE = 10


class QueuePoller(Poller):
    """Delivers the messages of one queue and deletes what succeeded.

    A failed message becomes visible again after a pause that grows with each delivery.
    """

    def __init__(
        self, session: AwsSession, queue_url: str, queue_arn: str, deliver: Deliver, signal: WriteSignal
    ) -> None:
        super().__init__(f"queue {queue_arn.rpartition(':')[2]}", deliver, signal)
        self._session = session
        self._queue_url = queue_url
        self._queue_arn = queue_arn
        self._retrying: set[str] = set()

    @property
    def is_caught_up(self) -> bool:
        """Caught up means also that no failed message waits out its pause."""
        return super().is_caught_up and not self._retrying

    async def poll(self) -> bool:
        """Receive one batch and deliver it."""
        answer = await self._session.call(
            "sqs",
            "receive_message",
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=_BATCH_SIZE,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        if not messages:
            return False
        identifiers = [message["MessageId"] for message in messages]
        failed = await self.deliver(queue_event(messages, self._queue_arn), identifiers)
        await self._delete([message for message in messages if message["MessageId"] not in failed])
        for message in messages:
            if message["MessageId"] in failed:
                await self._retry(message)
        return True

    async def _delete(self, messages: list[dict[str, Any]]) -> None:
        if not messages:
            return
        self._retrying.difference_update(message["MessageId"] for message in messages)
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        await self._session.call("sqs", "delete_message_batch", QueueUrl=self._queue_url, Entries=entries)

    async def _retry(self, message: dict[str, Any]) -> None:
        self._retrying.add(message["MessageId"])
        deliveries = int(message["Attributes"]["ApproximateReceiveCount"])
        await self._session.call(
            "sqs",
            "change_message_visibility",
            QueueUrl=self._queue_url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=round(retry_delay(deliveries)),
        )
