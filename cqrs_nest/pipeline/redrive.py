"""Carries on what waits in a dead-letter queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from cqrs_nest.aws import AwsSession, SqsService
from cqrs_nest.aws.sqs import is_fifo
from cqrs_nest.commands import CommandTableRegistry
from cqrs_nest.events import EarlierRecordFailedError, EventService
from cqrs_nest.events.lambda_events import queue_event
from cqrs_nest.events.records import json_object
from cqrs_nest.pipeline.alarms import DEAD_LETTER_ACTION
from cqrs_nest.pipeline.recovery import CommandRecovery

HOLD_SECONDS = 600
"""For how long a message is not given to others."""


@dataclass(frozen=True, slots=True)
class RedrivenMessage:
    """One message: what it was about, and the error that keeps it in the queue (None: it is done)."""

    subject: str
    error: Exception | None


class DeadLetterRedrive:
    """Works off a dead-letter queue: the pipeline's own, or that of a queue the application handles.

    A command is applied, with those that wait behind it; any other message is handed to the handlers of the
    queue it came from. What succeeds is deleted, what fails is visible again at the end, and in a FIFO queue
    holds back the later ones of its group.
    """

    def __init__(
        self,
        recovery: CommandRecovery,
        registry: CommandTableRegistry,
        events: EventService,
        sqs: SqsService,
        session: AwsSession,
    ) -> None:
        self._recovery = recovery
        self._registry = registry
        self._events = events
        self._sqs = sqs
        self._session = session

    async def waiting(self, queue_url: str) -> int:
        """About how many messages wait."""
        answer = await self._session.call(
            "sqs", "get_queue_attributes", QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    async def run(self, queue_url: str) -> AsyncIterator[RedrivenMessage]:
        """Work off every message once. Ends when no message is left that was not tried."""
        held: dict[str, str] = {}
        held_back: dict[object, str] = {}
        try:
            while messages := await self._receive(queue_url):
                untried = [message for message in messages if message["MessageId"] not in held]
                held.update((message["MessageId"], message["ReceiptHandle"]) for message in messages)
                for message in untried:
                    group = message["Attributes"].get("MessageGroupId") if is_fifo(queue_url) else None
                    if (earlier := held_back.get(group)) is not None:
                        error = EarlierRecordFailedError(f"{earlier}, of the same group, failed before it.")
                        yield RedrivenMessage(message["MessageId"], error)
                        continue
                    outcome = await self._redrive(queue_url, message)
                    if outcome.error is None:
                        await self._sqs.delete_message(queue_url, message["ReceiptHandle"])
                        del held[message["MessageId"]]
                    elif group is not None:
                        held_back[group] = outcome.subject
                    yield outcome
                if not untried:
                    return
        finally:
            for receipt in held.values():
                await self._session.call(
                    "sqs",
                    "change_message_visibility",
                    QueueUrl=queue_url,
                    ReceiptHandle=receipt,
                    VisibilityTimeout=0,
                )

    async def _receive(self, queue_url: str) -> list[dict[str, Any]]:
        return await self._sqs.receive_messages(
            queue_url,
            VisibilityTimeout=HOLD_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )

    async def _redrive(self, queue_url: str, message: Mapping[str, Any]) -> RedrivenMessage:
        letter = json_object(message["Body"]) or {}
        is_command = letter.get("action") == DEAD_LETTER_ACTION and letter.keys() >= {"table", "pk", "sk"}
        subject = f"{letter['table']} {letter['pk']} {letter['sk']}" if is_command else message["MessageId"]
        try:
            if is_command:
                await self._carry_on(letter)
            else:
                await self._hand_over(queue_url, message)
        except Exception as error:  # noqa: BLE001 - it is what keeps the message
            return RedrivenMessage(subject, error)
        return RedrivenMessage(subject, None)

    async def _carry_on(self, letter: Mapping[str, Any]) -> None:
        table = self._registry.table(letter["table"])
        if table is None:
            raise LookupError(f"No module of this application registers the table {letter['table']!r}.")
        await self._recovery.carry_on(table, letter["pk"], letter["sk"])

    async def _hand_over(self, queue_url: str, message: Mapping[str, Any]) -> None:
        source = message.get("Attributes", {}).get("DeadLetterQueueSourceArn")
        event = queue_event([message], source or await self._source_of(queue_url))
        response = await self._events.handle(event)
        response.raise_if_all_failed()

    async def _source_of(self, queue_url: str) -> str:
        """The ARN of the one queue whose dead letters a queue takes."""
        answer = await self._session.call("sqs", "list_dead_letter_source_queues", QueueUrl=queue_url)
        sources: list[str] = answer["queueUrls"]
        if len(sources) != 1:
            raise LookupError(
                f"The message does not say which queue it comes from, and {queue_url} is the dead-letter "
                f"queue of {len(sources)} queues."
            )
        found = await self._session.call(
            "sqs", "get_queue_attributes", QueueUrl=sources[0], AttributeNames=["QueueArn"]
        )
        return str(found["Attributes"]["QueueArn"])
