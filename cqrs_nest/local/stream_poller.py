"""DynamoDB streams -> Lambda events -> the application, as an event source mapping does it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cqrs_nest.aws import AwsSession
from cqrs_nest.events import DynamoDbStreamEvent
from cqrs_nest.events.lambda_events import stream_event
from cqrs_nest.local.poller import Deliver, Poller, retry_delay
from cqrs_nest.local.write_signal import WriteSignal

_BATCH_SIZE = 100

Record: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class _HeldBack:
    """The records of one item from the first that failed on; they are delivered again at `due`."""

    records: list[Record] = field(default_factory=list[Record])
    attempts: int = 0
    due: float = 0.0


class StreamPoller(Poller):
    """Delivers the inserts of one table, those of one item in order.

    When a record fails, it and the later ones of its item are delivered again after a pause that grows
    with each failure; other items are not held up by it.
    """

    def __init__(self, session: AwsSession, stream_arn: str, deliver: Deliver, signal: WriteSignal) -> None:
        super().__init__(f"stream of {stream_arn.split('/')[1]}", deliver, signal)
        self._session = session
        self._stream_arn = stream_arn
        self._iterator: str | None = None
        self._held_back: dict[str | None, _HeldBack] = {}

    @property
    def is_caught_up(self) -> bool:
        """Caught up means also that no record is held back."""
        return super().is_caught_up and not self.is_holding_back

    @property
    def is_holding_back(self) -> bool:
        """Whether records wait for their next delivery."""
        return bool(self._held_back)

    @property
    def rest(self) -> float:
        """No longer than until the first held back record is due."""
        due = min((item.due for item in self._held_back.values()), default=None)
        return super().rest if due is None else min(super().rest, max(due - _now(), 0.0))

    async def poll(self) -> bool:
        """Deliver what is new, and with it what has waited long enough."""
        records = await self._read()
        inserts = [record for record in records if record["eventName"] == "INSERT"]
        new = self._behind_held_back(inserts)
        due = [record for item in self._held_back.values() if item.due <= _now() for record in item.records]
        batch = [*due, *new]
        if batch:
            numbers = [_number(record) for record in batch]
            self._hold_back(batch, await self.deliver({"Records": batch}, numbers))
        return bool(records or batch)

    def _behind_held_back(self, records: Iterable[Record]) -> list[Record]:
        """Those of the records that need not wait for an earlier one of their item; the others are kept."""
        free: list[Record] = []
        for record in records:
            held_back = self._held_back.get(_item_of(record))
            (free if held_back is None else held_back.records).append(record)
        return free

    def _hold_back(self, delivered: Iterable[Record], failed: set[str]) -> None:
        """Keep of each item what failed and what came after it, in place of what was kept before."""
        items: dict[str | None, list[Record]] = {}
        for record in delivered:
            rest = items.setdefault(_item_of(record), [])
            if rest or _number(record) in failed:
                rest.append(record)
        for item, rest in items.items():
            before = self._held_back.pop(item, _HeldBack())
            if rest:
                attempts = before.attempts + 1
                self._held_back[item] = _HeldBack(rest, attempts, _now() + retry_delay(attempts))

    async def _read(self) -> list[Record]:
        if self._iterator is None:
            self._iterator = await self._first_iterator()
        answer = await self._session.call(
            "dynamodbstreams", "get_records", ShardIterator=self._iterator, Limit=_BATCH_SIZE
        )
        self._iterator = answer["NextShardIterator"]
        records: list[Record] = stream_event(answer["Records"], self._stream_arn)["Records"]
        return records

    async def _first_iterator(self) -> str:
        stream = await self._session.call("dynamodbstreams", "describe_stream", StreamArn=self._stream_arn)
        [shard] = stream["StreamDescription"]["Shards"]
        answer = await self._session.call(
            "dynamodbstreams",
            "get_shard_iterator",
            StreamArn=self._stream_arn,
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )
        iterator: str = answer["ShardIterator"]
        return iterator


def _item_of(record: Record) -> str | None:
    return DynamoDbStreamEvent(record).ordering_key


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _now() -> float:
    return asyncio.get_running_loop().time()
