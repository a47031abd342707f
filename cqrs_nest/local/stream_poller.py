"""DynamoDB streams -> Lambda events -> the application, as an event source mapping does it."""

from __future__ import annotations

import asyncio
from typing import Any

from cqrs_nest.aws import AwsSession
from cqrs_nest.local.lambda_events import stream_event
from cqrs_nest.local.poller import Deliver, Poller, retry_delay
from cqrs_nest.local.write_signal import WriteSignal

_BATCH_SIZE = 100


class StreamPoller(Poller):
    """Delivers the inserts of one table in order.

    When a record fails, it and those after it are delivered again, together with what has come in
    meanwhile: a key that keeps failing does not hold back the others.
    """

    def __init__(self, session: AwsSession, stream_arn: str, deliver: Deliver, signal: WriteSignal) -> None:
        super().__init__(f"stream of {stream_arn.split('/')[1]}", deliver, signal)
        self._session = session
        self._stream_arn = stream_arn
        self._iterator: str | None = None
        self._pending: list[dict[str, Any]] = []
        self._attempts = 0

    async def poll(self) -> bool:
        """Read what is new and deliver it behind what is still to be retried."""
        batch = self._pending + await self._read()
        if not batch:
            return False
        numbers = [str(record["dynamodb"]["SequenceNumber"]) for record in batch]
        failed = await self.deliver(stream_event(batch, self._stream_arn), numbers)
        first = min((numbers.index(number) for number in failed), default=len(batch))
        self._pending = batch[first:]
        self._attempts = self._attempts + 1 if self._pending else 0
        if self._pending:
            await asyncio.sleep(retry_delay(self._attempts))
        return True

    async def _read(self) -> list[dict[str, Any]]:
        if self._iterator is None:
            self._iterator = await self._first_iterator()
        room = max(_BATCH_SIZE - len(self._pending), 1)
        answer = await self._session.call(
            "dynamodbstreams", "get_records", ShardIterator=self._iterator, Limit=room
        )
        self._iterator = answer["NextShardIterator"]
        records: list[dict[str, Any]] = answer["Records"]
        return [record for record in records if record["eventName"] == "INSERT"]

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
