"""Follows the streams of command tables from now on, through new shards too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cqrs_nest.aws import AwsSession, error_code
from cqrs_nest.events import DynamoDbStreamEvent
from cqrs_nest.events.lambda_events import stream_event

REFRESH_SECONDS = 30.0
_TRIMMED = "TrimmedDataAccessException"
_LOST = ("ExpiredIteratorException", _TRIMMED)

Shard: TypeAlias = tuple[str, str]
"""The ARN of a stream, and the id of a shard in it."""


@dataclass(slots=True)
class _Place:
    """How far a shard was read: up to the record `last`, or from its end at `began`, in epoch seconds."""

    iterator: str
    began: int | None
    last: str | None = None
    is_repeated: bool = False

    def is_new(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is to be told; those that were there at the beginning may come with the rest."""
        created: int = record["dynamodb"]["ApproximateCreationDateTime"]
        return not self.is_repeated or self.began is None or created >= self.began


class StreamFollower:
    """The changes of some tables, as they are made; those of one item in order."""

    def __init__(self, session: AwsSession, streams: Sequence[str], pause: float) -> None:
        self._session = session
        self._streams = streams
        self._pause = pause
        self._places: dict[Shard, _Place] = {}
        self._seen: set[Shard] = set()
        self._refreshed = float("-inf")

    async def begin(self, start: str = "LATEST") -> None:
        """Take up position: at the end of every shard, or at `TRIM_HORIZON`, the oldest record there is."""
        await self._refresh(start)

    async def changes(self) -> AsyncIterator[DynamoDbStreamEvent]:
        """Every change from that position on."""
        while True:
            records = [record for shard in list(self._places) for record in await self._read(shard)]
            for record in records:
                yield DynamoDbStreamEvent(record)
            if not records:
                await asyncio.sleep(self._pause)
            if asyncio.get_running_loop().time() - self._refreshed > REFRESH_SECONDS:
                # A shard that was not there before holds nothing but what is new.
                await self._refresh("TRIM_HORIZON")

    async def _read(self, shard: Shard) -> Sequence[Mapping[str, Any]]:
        place = self._places[shard]
        try:
            answer = await self._session.call("dynamodbstreams", "get_records", ShardIterator=place.iterator)
        except Exception as error:
            if error_code(error) not in _LOST:
                raise
            await self._return_to(shard, place)
            return []
        following = answer.get("NextShardIterator")
        if following is None:
            # It is closed and read to its end: those that go on in its place are there.
            del self._places[shard]
            self._refreshed = float("-inf")
        else:
            place.iterator = following
        records: list[Mapping[str, Any]] = stream_event(answer["Records"], shard[0])["Records"]
        new = [record for record in records if place.is_new(record)]
        if new:
            place.last, place.is_repeated = new[-1]["dynamodb"]["SequenceNumber"], False
        return new

    async def _return_to(self, shard: Shard, place: _Place) -> None:
        """Go on behind the last record that was read, or with the oldest that is still there."""
        if place.last is not None:
            try:
                place.iterator = await self._iterator(
                    shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=place.last
                )
            except Exception as error:
                if error_code(error) != _TRIMMED:
                    raise
            else:
                return
        place.is_repeated = place.last is None
        place.iterator = await self._iterator(shard, "TRIM_HORIZON")

    async def _refresh(self, start: str) -> None:
        """Take up position in new shards; in one that follows another, when that is read to its end."""
        self._refreshed = asyncio.get_running_loop().time()
        is_latest = start == "LATEST"
        for stream in self._streams:
            parents = await self._parents(stream)
            for shard, parent in parents.items():
                is_due = is_latest or parent not in parents or self._is_read(parent)
                if shard not in self._seen and is_due:
                    self._seen.add(shard)
                    began = int(time.time()) if is_latest else None
                    self._places[shard] = _Place(await self._iterator(shard, start), began)

    def _is_read(self, shard: Shard) -> bool:
        return shard in self._seen and shard not in self._places

    async def _parents(self, stream: str) -> dict[Shard, Shard]:
        """The shards of a stream, each with the one that it follows."""
        parents: dict[Shard, Shard] = {}
        request: dict[str, Any] = {"StreamArn": stream}
        while True:
            answer = await self._session.call("dynamodbstreams", "describe_stream", **request)
            description = answer["StreamDescription"]
            for shard in description["Shards"]:
                parents[stream, shard["ShardId"]] = stream, shard.get("ParentShardId", "")
            if "LastEvaluatedShardId" not in description:
                return parents
            request["ExclusiveStartShardId"] = description["LastEvaluatedShardId"]

    async def _iterator(self, shard: Shard, start: str, **position: str) -> str:
        stream, identifier = shard
        answer = await self._session.call(
            "dynamodbstreams",
            "get_shard_iterator",
            StreamArn=stream,
            ShardId=identifier,
            ShardIteratorType=start,
            **position,
        )
        iterator: str = answer["ShardIterator"]
        return iterator
