"""Partial batch responses: a record that fails holds back only itself and what must come after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cqrs_nest.events.records import AwsEvent, DynamoDbStreamEvent, KinesisEvent, SqsEvent

BatchRecord = SqsEvent | DynamoDbStreamEvent | KinesisEvent


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """A record that has to be delivered again, and why."""

    record: BatchRecord
    error: BaseException


class EarlierRecordFailedError(Exception):
    """The record was not tried: one before it with the same ordering key has failed."""


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
    records: Sequence[BatchRecord], process: Callable[[AwsEvent], Awaitable[object]]
) -> BatchResponse:
    """Process records with one ordering key in turn and all others at once.

    After a failure the remaining records of the same key are not tried and count as failed.
    """
    lanes: dict[object, list[BatchRecord]] = {}
    for index, record in enumerate(records):
        lanes.setdefault(_lane_of(record, index), []).append(record)
    runs = (_process_lane(sorted(lane, key=_position), process) for lane in lanes.values())
    failures = await asyncio.gather(*runs)
    return BatchResponse(len(records), [failure for lane in failures for failure in lane])


def _lane_of(record: BatchRecord, index: int) -> object:
    try:
        return record.ordering_key or index
    except (KeyError, ValueError, TypeError, ArithmeticError):
        # One that cannot be read fails as it is processed, and no other one with it.
        return index


async def _process_lane(
    lane: Sequence[BatchRecord], process: Callable[[AwsEvent], Awaitable[object]]
) -> list[RecordFailure]:
    for index, record in enumerate(lane):
        (outcome,) = await asyncio.gather(process(record), return_exceptions=True)
        if isinstance(outcome, BaseException):
            skipped = EarlierRecordFailedError(f"{record!r} failed before it.")
            return [
                RecordFailure(record, outcome),
                *(RecordFailure(later, skipped) for later in lane[index + 1 :]),
            ]
    return []


def _position(record: BatchRecord) -> tuple[int, str]:
    """Where a record stands in its shard; the messages of a queue come in their order."""
    number = "" if isinstance(record, SqsEvent) else record.sequence_number
    return len(number), number


def identifier_of(record: BatchRecord) -> str:
    """By which a partial batch response names a record."""
    return record.message_id if isinstance(record, SqsEvent) else record.sequence_number
