"""Follows the streams of command tables from now on, through new shards too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from cqrs_nest.aws import AwsSession, error_code
from cqrs_nest.events import DynamoDbStreamEvent
from cqrs_nest.events.lambda_events import stream_event

REFRESH_SECONDS = 30.0
_LOST = ("ExpiredIteratorException", "TrimmedDataAccessException")


class StreamFollower:
    """The changes of some tables, as they are made."""

    def __init__(self, session: AwsSession, streams: Sequence[str], pause: float) -> None:
        self._session = session
        self._streams = streams
        self._pause = pause
        self._iterators: dict[tuple[str, str], str] = {}
        self._seen: set[tuple[str, str]] = set()
        self._refreshed = float("-inf")

    async def begin(self, start: str = "LATEST") -> None:
        """Take up position: at the end of every shard, or at `TRIM_HORIZON`, the oldest record there is."""
        await self._refresh(start)

    async def changes(self) -> AsyncIterator[DynamoDbStreamEvent]:
        """Every change from that position on."""
        while True:
            records = [record for shard in list(self._iterators) for record in await self._read(shard)]
            for record in records:
                yield DynamoDbStreamEvent(record)
            if not records:
                await asyncio.sleep(self._pause)
            if asyncio.get_running_loop().time() - self._refreshed > REFRESH_SECONDS:
                # A shard that was not there before holds nothing but what is new.
                await self._refresh("TRIM_HORIZON")

    async def _read(self, shard: tuple[str, str]) -> Sequence[Mapping[str, Any]]:
        try:
            answer = await self._session.call(
                "dynamodbstreams", "get_records", ShardIterator=self._iterators[shard]
            )
        except Exception as error:
            if error_code(error) not in _LOST:
                raise
            self._iterators[shard] = await self._iterator(shard, "LATEST")
            return []
        following = answer.get("NextShardIterator")
        if following is None:
            del self._iterators[shard]
        else:
            self._iterators[shard] = following
        records: Sequence[Mapping[str, Any]] = stream_event(answer["Records"], shard[0])["Records"]
        return records

    async def _refresh(self, start: str) -> None:
        self._refreshed = asyncio.get_running_loop().time()
        for stream in self._streams:
            for shard in await self._shards(stream):
                if shard not in self._seen:
                    self._seen.add(shard)
                    self._iterators[shard] = await self._iterator(shard, start)

    async def _shards(self, stream: str) -> list[tuple[str, str]]:
        shards: list[tuple[str, str]] = []
        request: dict[str, Any] = {"StreamArn": stream}
        while True:
            answer = await self._session.call("dynamodbstreams", "describe_stream", **request)
            description = answer["StreamDescription"]
            shards += [(stream, shard["ShardId"]) for shard in description["Shards"]]
            if "LastEvaluatedShardId" not in description:
                return shards
            request["ExclusiveStartShardId"] = description["LastEvaluatedShardId"]

    async def _iterator(self, shard: tuple[str, str], start: str) -> str:
        stream, identifier = shard
        answer = await self._session.call(
            "dynamodbstreams",
            "get_shard_iterator",
            StreamArn=stream,
            ShardId=identifier,
            ShardIteratorType=start,
        )
        iterator: str = answer["ShardIterator"]
        return iterator
