"""Reads the notification queue in a server process; in Lambda the queue is an event source."""

from __future__ import annotations

import asyncio
from typing import Any

from cqrs_nest.aws import AwsSession, SqsService
from cqrs_nest.common.lambda_runtime import in_lambda
from cqrs_nest.common.logger import Logger
from cqrs_nest.config import Environment
from cqrs_nest.events import EventService
from cqrs_nest.events.lambda_events import queue_event

WAIT_SECONDS = 5
PAUSE_SECONDS = 2.0


class QueueListener:
    """Brings the messages of `NOTIFICATION_QUEUE_URL` to the application as Lambda would.

    What was handled is deleted; what failed comes again after the queue's visibility timeout, and at last to
    its dead-letter queue.
    """

    def __init__(
        self, environment: Environment, session: AwsSession, sqs: SqsService, events: EventService
    ) -> None:
        self._url = environment.notification_queue_url
        self._session = session
        self._sqs = sqs
        self._events = events
        self._task: asyncio.Task[None] | None = None
        self._logger = Logger("QueueListener")

    def on_application_bootstrap(self) -> None:
        """Begin to listen, if there is a queue to listen to and this is a server."""
        if self._url is not None and not in_lambda():
            self._task = asyncio.create_task(self._listen(self._url), name="notification queue")

    async def on_module_destroy(self) -> None:
        """Stop. A message in hand comes again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _listen(self, url: str) -> None:
        arn: str | None = None
        while True:
            try:
                arn = arn or await self._arn_of(url)
                await self._deliver(url, arn)
            except Exception as error:  # noqa: BLE001 the queue is asked again, whatever it answered
                self._logger.error("The notification queue cannot be read", error=error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _deliver(self, url: str, arn: str) -> None:
        messages = await self._sqs.receive_messages(
            url,
            wait_seconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        if not messages:
            return
        answer = await self._events.handle(queue_event(messages, arn))
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
            if message["MessageId"] not in failed
        ]
        if entries:
            await self._sqs.delete_message_batch(url, entries)

    async def _arn_of(self, url: str) -> str:
        answer: dict[str, Any] = await self._session.call(
            "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"]
        )
        return str(answer["Attributes"]["QueueArn"])
