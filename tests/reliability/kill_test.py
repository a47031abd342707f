"""Kills the consumer of a command stream again and again while commands are published.

    python -m tests.reliability.kill_test [commands [items [kills]]]

Between the emulator and the consumer stands the poller that also serves a developer: as the event source
mapping of AWS does, it delivers again what was not answered. Afterwards every command is applied once to
each projection, in order, and nothing is in the dead-letter queue; repeated messages are counted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import create_engine

from cqrs_nest.aws import AwsSession
from cqrs_nest.core import Container
from cqrs_nest.local import stream_poller
from cqrs_nest.local.stream_poller import StreamPoller
from cqrs_nest.local.write_signal import WriteSignal
from tests.reliability.consumer import ACCOUNT, INDEX, PREFIX, REGION, commands_of, metadata, start
from tests.reliability.separate_emulator import separate_emulator

PK = "TODO#acme"
TABLE = f"{PREFIX}todo-command"
BATCH = 10
PUBLISHERS = 8
CUT_OFF = 0.2
"""The share of the deliveries that are cut off while the kills keep up with the publishing."""


class Consumer:
    """The process that handles events, and its killing."""

    def __init__(self, process: asyncio.subprocess.Process, kills: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._requests, self._answers = process, process.stdin, process.stdout
        self._pid = 0
        self._takes = 0.05
        self.deliveries = 0
        self._killed_at = 0
        self.is_behind: Callable[[], bool] = lambda: False
        self.is_last: Callable[[], bool] = lambda: False
        self.kills, self.kills_left = 0, kills

    @classmethod
    @asynccontextmanager
    async def run(cls, url: str, database: Path, kills: int) -> AsyncIterator[Consumer]:
        """Start the consumer; at the end it ends with its input."""
        arguments = ("-m", "tests.reliability.consumer", url, str(database))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2**22,
        )
        consumer = cls(process, kills)
        await consumer._next_child()
        try:
            yield consumer
        finally:
            consumer._requests.close()
            await process.wait()

    async def deliver(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the consumer answers to an event. Raises ConnectionError when it was killed meanwhile."""
        self.deliveries += 1
        number, began = self.deliveries, time.monotonic()
        self._requests.write(json.dumps({"id": number, "event": event}).encode() + b"\n")
        killing = self._kill_sometimes()
        while True:
            answer = await self._answer()
            if "pid" in answer:
                self._pid = answer["pid"]
                raise ConnectionError("the consumer was killed")
            if answer["id"] == number and killing is None:
                self._takes = 0.7 * self._takes + 0.3 * (time.monotonic() - began)
                return answer["result"]
            if answer["id"] == number and killing is not None and not killing.cancelled():
                # It was quicker than expected: it dies with its answer, of which nobody hears then.
                killing.cancel()
                self._kill_if_alive(number)

    def _kill_sometimes(self) -> asyncio.TimerHandle | None:
        if not self.kills_left:
            return None
        # Killed every time, it would come forward only a little between two kills.
        was_killed = self._killed_at == self.deliveries - 1
        if not (self.is_last() or (self.is_behind() and not was_killed) or random.random() < CUT_OFF):
            return None
        delay = random.uniform(0, self._takes)
        return asyncio.get_running_loop().call_later(delay, self._kill_if_alive, self.deliveries)

    def _kill_if_alive(self, delivery: int) -> None:
        """Kill the child that handles a delivery, once."""
        if self._killed_at != delivery:
            self._killed_at = delivery
            self._kill()

    def _kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.kills, self.kills_left = self.kills + 1, self.kills_left - 1

    async def _next_child(self) -> None:
        while "pid" not in (answer := await self._answer()):
            pass
        self._pid = answer["pid"]

    async def _answer(self) -> dict[str, Any]:
        while True:
            line = await self._answers.readline()
            if not line:
                raise EOFError("the consumer has ended")
            try:
                answer: dict[str, Any] = json.loads(line)
            except ValueError:
                # What a killed child had begun to write, or an empty line.
                continue
            return answer


class KillTest:
    """Publishes commands over some items while the consumer is killed."""

    def __init__(self, commands: int, items: int, kills: int) -> None:
        self.commands, self.items, self.kills = commands, items, kills
        self.versions = commands // items
        self.published = 0
        self.is_idle = False
        self.messages: list[dict[str, Any]] = []
        self.report: list[str] = []
        self.faults: list[str] = []

    async def run(self) -> None:
        """Run it to the end; `faults` is empty if all is well."""
        with separate_emulator() as url, tempfile.TemporaryDirectory() as directory:
            database = Path(directory) / "todo.sqlite3"
            metadata.create_all(create_engine(f"sqlite:///{database}"))
            container = await start(url, database)
            stream = await _create_resources(container.get(AwsSession))
            began = time.monotonic()
            async with Consumer.run(url, database, self.kills) as consumer:
                consumer.is_behind = lambda: consumer.kills * self.commands < self.published * self.kills
                consumer.is_last = lambda: self.published == self.commands
                with mock.patch.multiple(
                    stream_poller, _BATCH_SIZE=BATCH, retry_delay=lambda attempt: random.uniform(0, 0.05)
                ):
                    poller = StreamPoller(container.get(AwsSession), stream, consumer.deliver, WriteSignal())
                    publishing = asyncio.gather(
                        *(self._publish(container, consumer, n) for n in range(PUBLISHERS))
                    )
                    collecting = asyncio.create_task(self._collect(container.get(AwsSession), publishing))
                    await self._poll(poller, publishing)
                    await publishing
                    await collecting
            self.report.append(f"{consumer.kills} kills in {consumer.deliveries} deliveries")
            self.report.append(f"{self.published} commands published, {time.monotonic() - began:.0f} s")
            if consumer.kills != self.kills:
                self.faults.append(f"killed {consumer.kills} times only")
            await self._look(container, database)
            await container.close()

    async def _poll(self, poller: StreamPoller, publishing: asyncio.Future[Any]) -> None:
        while True:
            was_published = publishing.done()
            self.is_idle = not await poller.poll()
            if self.is_idle:
                if was_published and not poller.is_holding_back:
                    return
                await asyncio.sleep(0.01)

    async def _publish(self, container: Container, consumer: Consumer, publisher: int) -> None:
        """Publish the versions of every so many items in turn, not faster than the consumer is killed."""
        service = commands_of(container)
        for version in range(self.versions):
            for item in range(publisher, self.items, PUBLISHERS):
                await self._until_due(consumer)
                self.published += 1
                sk = f"item{item}"
                row = {"pk": PK, "sk": sk, "id": f"{PK}#{sk}", "name": f"{sk} {version}", "version": version}
                await service.publish_async(row, source="kill test")

    async def _collect(self, session: AwsSession, publishing: asyncio.Future[Any]) -> None:
        """Take off the topic's messages as they come: the emulator is slow with queues that are long."""
        while not publishing.done():
            self.messages += await _messages(session, "subscriber")
            await asyncio.sleep(0.5)

    async def _until_due(self, consumer: Consumer) -> None:
        """Spread the publishing over the kills, without leaving the consumer idle."""
        while not self.is_idle and self.published * self.kills > self.commands * (consumer.kills + 2):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _look(self, container: Container, database: Path) -> None:
        session = container.get(AwsSession)
        wanted = list(range(1, self.versions + 1))
        rows = {
            kind: _by_item(await _scan(session, f"{PREFIX}todo-{kind}"))
            for kind in ("command", "data", "history")
        }
        index = _by_item(await _scan(session, INDEX))
        with sqlite3.connect(database) as connection:
            log: dict[str, list[int]] = {}
            for sk, version in connection.execute("SELECT sk, version FROM applied ORDER BY id"):
                log.setdefault(sk, []).append(version)
        for number in range(self.items):
            sk = f"item{number}"
            commands = rows["command"].get(sk, [])
            unfinished = [row["sk"]["S"] for row in commands if row.get("status") != {"S": "finish:FINISHED"}]
            self._expect(f"{sk}: unfinished", unfinished, [])
            self._expect(f"{sk}: commands", _versions(commands), wanted)
            self._expect(f"{sk}: data row", _versions(rows["data"].get(sk, [])), wanted[-1:])
            self._expect(f"{sk}: history", _versions(rows["history"].get(sk, [])), wanted[:-1])
            self._expect(f"{sk}: in SQL", log.get(sk), wanted)
            indexed = [int(n["N"]) for row in index.get(sk, []) for n in row["applied"]["L"]]
            self._expect(f"{sk}: in the index", indexed, wanted)
        letters = await _messages(session, "dead-letters")
        self._expect("dead letters", [letter["sk"] for letter in letters], [])
        self.messages += await _messages(session, "subscriber")
        self._count(Counter(map(_identity, self.messages)))

    def _count(self, messages: Counter[tuple[str, str]]) -> None:
        for kind in ("domain-event", "finish:FINISHED"):
            told = {sk: count for (name, sk), count in messages.items() if name == kind}
            self._expect(f"{kind}: commands told of", len(told), self.commands)
            self.report.append(f"{kind}: {sum(told.values()) - len(told)} repeated messages")
        others = {name for name, _ in messages} - {"domain-event", "finish:FINISHED"}
        self._expect("other messages", others, set())

    def _expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.faults.append(f"{what}: {found}, not {wanted}")


def _identity(message: Mapping[str, Any]) -> tuple[str, str]:
    if message["action"] == "command-status":
        return message["content"]["status"], message["sk"]
    return message["action"], message["sk"]


def _by_item(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    items: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        items.setdefault(row["sk"]["S"].partition("@")[0], []).append(row)
    return items


def _versions(rows: list[dict[str, Any]]) -> list[int]:
    return sorted(int(row["version"]["N"]) for row in rows)


async def _scan(session: AwsSession, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        page = await session.call("dynamodb", "scan", TableName=table, ConsistentRead=True, **start)
        rows += page["Items"]
        if "LastEvaluatedKey" not in page:
            return rows
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


async def _messages(session: AwsSession, queue: str) -> list[dict[str, Any]]:
    url = (await session.call("sqs", "get_queue_url", QueueName=queue))["QueueUrl"]
    found: list[dict[str, Any]] = []
    while received := (
        await session.call("sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10)
    ).get("Messages"):
        found += [json.loads(message["Body"]) for message in received]
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(received)
        ]
        await session.call("sqs", "delete_message_batch", QueueUrl=url, Entries=entries)
    return found


async def _create_resources(session: AwsSession) -> str:
    """Make tables, topic and queues; the ARN of the command table's stream."""
    kinds = [f"{PREFIX}todo-{kind}" for kind in ("command", "data", "history")]
    stream = ""
    for name in [*kinds, f"{PREFIX}master-data", INDEX]:
        wants = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
        answer = await session.call(
            "dynamodb",
            "create_table",
            TableName=name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
            **(wants if name == TABLE else {}),
        )
        stream = stream or answer["TableDescription"].get("LatestStreamArn", "")
    topic = (await session.call("sns", "create_topic", Name="topic"))["TopicArn"]
    for queue in ("dead-letters", "subscriber"):
        await session.call("sqs", "create_queue", QueueName=queue)
    await session.call(
        "sns",
        "subscribe",
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber",
        Attributes={"RawMessageDelivery": "true"},
    )
    return stream


def main() -> int:
    """Print what came of it; 1 if anything is wrong."""
    # That deliveries fail is the point of it.
    logging.getLogger("cqrs_nest").setLevel(logging.CRITICAL)
    numbers = [int(argument) for argument in sys.argv[1:]]
    commands, items, kills = [*numbers, *(1000, 50, 100)[len(numbers) :]]
    test = KillTest(commands, items, kills)
    asyncio.run(test.run())
    print("\n".join([*test.report, *test.faults, "all is well" if not test.faults else "WRONG"]))
    return 1 if test.faults else 0


if __name__ == "__main__":
    sys.exit(main())
