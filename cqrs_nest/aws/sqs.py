"""Messages of SQS queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cqrs_nest.aws.json_text import to_json
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE


def is_fifo(queue: str) -> bool:
    """Whether a queue, by its URL, ARN or name, keeps the order of its message groups.

    >>> is_fifo("https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo")
    True
    """
    return queue.endswith(".fifo")


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class SqsService:
    """Sends, receives and deletes messages. Answers are AWS's own."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    async def send_message(self, queue_url: str, body: object, **options: Any) -> dict[str, Any]:
        """Send a text as it is, anything else as JSON. Options are those of SQS, such as `DelaySeconds`."""
        text = body if isinstance(body, str) else to_json(body)
        return await self._session.call(
            "sqs", "send_message", QueueUrl=queue_url, MessageBody=text, **options
        )

    async def send_message_batch(self, queue_url: str, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Send up to 10 entries; the answer's `Failed` lists those SQS did not take."""
        return await self._session.call(
            "sqs", "send_message_batch", QueueUrl=queue_url, Entries=list(entries)
        )

    async def receive_messages(
        self, queue_url: str, *, max_messages: int = 10, wait_seconds: int = 0, **options: Any
    ) -> list[dict[str, Any]]:
        """Up to 10 messages; they come again unless they are deleted in time."""
        answer = await self._session.call(
            "sqs",
            "receive_message",
            QueueUrl=queue_url,
            MaxNumberOfMessages=max_messages,
            WaitTimeSeconds=wait_seconds,
            **options,
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def delete_message(self, queue_url: str, receipt_handle: str) -> None:
        """Say that a message is done with."""
        await self._session.call("sqs", "delete_message", QueueUrl=queue_url, ReceiptHandle=receipt_handle)

    async def delete_message_batch(self, queue_url: str, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The same for up to 10 messages; the answer's `Failed` lists those that stay."""
        return await self._session.call(
            "sqs", "delete_message_batch", QueueUrl=queue_url, Entries=list(entries)
        )
