"""Partial batch responses: a record that fails holds back only itself and what must come after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cqrs_nest.core.concurrency import failure_of
from cqrs_nest.events.records import AwsEvent, DynamoDbStreamEvent, KinesisEvent, SqsEvent

BatchRecord = SqsEvent | DynamoDbStreamEvent | KinesisEvent


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """A record that has to be delivered again, and why."""

    record: BatchRecord
    error: BaseException


class EarlierRecordFailedError(Exception):
    """The record was not tried: one before it with the same ordering key has failed."""


class OutOfTimeError(Exception):
    """The record was not done when the function's time was nearly over; it is delivered again."""


class BatchResponse(dict[str, list[dict[str, str]]]):
    """`{"batchItemFailures": [{"itemIdentifier": ...}]}`, as SQS, DynamoDB and Kinesis triggers read it.

    The trigger must have `ReportBatchItemFailures` switched on when its batches may hold more than one
    record; otherwise the service takes a batch in which only some records failed for a success.
    """

    def __init__(self, size: int, failures: Sequence[RecordFailure]) -> None:
        super().__init__(
            batchItemFailures=[{"itemIdentifier": identifier_of(item.record)} for item in failures]
        )
        self.size = size
        self.failures = tuple(failures)

    def raise_if_all_failed(self) -> None:
        """Raise when no record of the batch went through, so that the invocation itself counts as failed."""
        if not self.failures or len(self.failures) < self.size:
            return
        errors = [item.error for item in self.failures]
        if len(errors) == 1:
            raise errors[0]
        raise BaseExceptionGroup(f"All {self.size} records of the batch failed", errors)


async def process_batch(
    records: Sequence[BatchRecord],
    process: Callable[[AwsEvent], Awaitable[object]],
    seconds: float | None = None,
) -> BatchResponse:
    """Process records with one ordering key in turn and all others at once.

    After a failure the remaining records of the same key are not tried and count as failed. What is not done
    after so many `seconds` (None: it may take its time) is cancelled, and counts as failed too.
    """
    lanes: dict[object, _Lane] = {}
    for index, record in enumerate(records):
        lanes.setdefault(_lane_of(record, index), _Lane()).records.append(record)
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(lane.process(process) for lane in lanes.values()))
    except TimeoutError:
        # It is that of the block: a lane keeps the errors of its records to itself.
        pass
    return BatchResponse(len(records), [failure for lane in lanes.values() for failure in lane.failures()])


class _Lane:
    """The records of a batch with one ordering key, and how far they are."""

    def __init__(self) -> None:
        self.records: list[BatchRecord] = []
        self._done = 0
        self._error: BaseException = OutOfTimeError("The function's time was over before it was done.")

    async def process(self, process: Callable[[AwsEvent], Awaitable[object]]) -> None:
        """Process one after another, until one fails."""
        self.records.sort(key=_position)
        for record in self.records:
            (outcome,) = await asyncio.gather(process(record), return_exceptions=True)
            if (error := failure_of(outcome)) is not None:
                self._error = error
                return
            self._done += 1

    def failures(self) -> list[RecordFailure]:
        """The record that failed or was not done, and those that were not tried for it."""
        if self._done == len(self.records):
            return []
        first, *later = self.records[self._done :]
        skipped = EarlierRecordFailedError(f"{first!r} failed before it.")
        return [RecordFailure(first, self._error), *(RecordFailure(record, skipped) for record in later)]


def _lane_of(record: BatchRecord, index: int) -> object:
    try:
        return record.ordering_key or index
    except (KeyError, ValueError, TypeError, ArithmeticError):
        # One that cannot be read fails as it is processed, and no other one with it.
        return index


def _position(record: BatchRecord) -> tuple[int, str]:
    """Where a record stands in its shard; the messages of a queue come in their order."""
    number = "" if isinstance(record, SqsEvent) else record.sequence_number
    return len(number), number


def identifier_of(record: BatchRecord) -> str:
    """By which a partial batch response names a record."""
    return record.message_id if isinstance(record, SqsEvent) else record.sequence_number
