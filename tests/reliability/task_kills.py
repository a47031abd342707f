"""A task whose worker is killed again and again: `python -m tests.reliability.task_kills`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import DetailKey
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.local import EmbeddedAws, Queue
from cqrs_nest.local.stream_poller import StreamPoller
from cqrs_nest_task import CreateStepFunctionTaskDto, TaskEntity, TaskService
from tests.reliability.task_worker import QUEUES, application

ROOT = Path(__file__).parents[2]
SUBSCRIBER = Queue("subscriber", ["task-status"])
VISIBILITY_SECONDS = "2"
"""After so long a message of a killed worker comes again."""


@dataclass(frozen=True)
class Outcome:
    """What is there in the end."""

    parent: TaskEntity
    sub_tasks: list[TaskEntity]
    runs: list[int]
    """The inputs of the sub-tasks that were run to their end, in order; twice for those that came twice."""
    completions: int
    """How often the topic was told that the parent is completed."""
    kills: int
    seconds: float


class Worker:
    """A process that does tasks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, log: Path) -> Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.reliability.task_worker",
            str(log),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"working\n"
        return cls(process)

    async def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


async def survive(sub_tasks: int, kills: int, seed: int = 0) -> Outcome:
    """Run a task to its end on a worker that is killed at random points."""
    chance = random.Random(seed)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "runs"
        async with _service(log) as (tasks, session, subscriber):
            dto = CreateStepFunctionTaskDto(
                tenant_code="acme", task_type="COUNT", input=list(range(sub_tasks))
            )
            key = (await tasks.create_step_function_task(dto)).key
            worker = await Worker.start(log)
            points = sorted(chance.sample(range(sub_tasks), kills))
            for point in points:
                # The file tells how far the worker is; a row of 1,000 inputs is much to read again and again.
                while len(_runs(log)) < point:  # noqa: ASYNC110 another process writes it
                    await asyncio.sleep(0.02)
                await asyncio.sleep(chance.uniform(0, 0.05))
                await worker.kill()
                worker = await Worker.start(log)
            while (parent := await _get(tasks, key)).status != "COMPLETED":  # noqa: ASYNC110 the worker ends it
                await asyncio.sleep(0.2)
            await worker.kill()
            found = await tasks.get_all_sub_task(key)
            told = await _completions(session, subscriber)
            runs = _runs(log)
    return Outcome(parent, found, runs, told, kills, time.perf_counter() - started)


@asynccontextmanager
async def _service(log: Path) -> AsyncIterator[tuple[TaskService, AwsSession, str]]:
    """Embedded AWS and the part of the service that is not killed: who creates tasks, and the stream."""
    aws = EmbeddedAws()
    settings = {**aws.variables(), "NODE_ENV": "local", "APP_NAME": "kills", "CHECK_TABLES": "false"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        app = await CqrsNest.create(application(log))
        session = app.get(AwsSession)
        await aws.create_bases(session)
        urls = [await aws.create_queue(session, queue) for queue in (*QUEUES, SUBSCRIBER)]
        for url in urls[:-1]:
            attributes = {"VisibilityTimeout": VISIBILITY_SECONDS}
            await session.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=attributes)
        [table] = [table.name for table in app.get(CommandTables).needed if table.is_streamed]
        stream = StreamPoller(
            session, await aws.create_streamed_table(session, table), app.events.handle, aws.table_writes
        )
        stream.start()
        try:
            yield app.get(TaskService), session, urls[-1]
        finally:
            await stream.stop()
            await app.close()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        await aws.close()


async def _get(tasks: TaskService, key: DetailKey) -> TaskEntity:
    task = await tasks.get_task(key)
    assert task is not None
    return task


def _runs(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


async def _completions(session: AwsSession, url: str) -> int:
    found = 0
    while True:
        answer: dict[str, Any] = await session.call(
            "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10
        )
        messages = answer.get("Messages", [])
        if not messages:
            return found
        found += sum('"COMPLETED"' in message["Body"] for message in messages)
        handles = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        await session.call("sqs", "delete_message_batch", QueueUrl=url, Entries=handles)


def main() -> int:
    """Print what came of 1,000 sub-tasks and 20 kills; 1 if a sub-task was not done or not counted once."""
    count, kills = (int(each) for each in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 20)
    outcome = asyncio.run(survive(count, kills))
    statuses = {task.status for task in outcome.sub_tasks}
    done = len(set(outcome.runs))
    sys.stdout.write(
        f"{len(outcome.sub_tasks)} sub-tasks, all {', '.join(statuses)}; "
        f"worker killed {outcome.kills} times; "
        f"parent {outcome.parent.status}, counted {outcome.parent.attributes['subTaskSucceedCount']}; "
        f"{done} run to their end, {len(outcome.runs) - done} of them again; "
        f"told {outcome.completions} time(s); {outcome.seconds:.0f} s\n"
    )
    counted = outcome.parent.attributes["subTaskSucceedCount"]
    return 0 if (statuses, done, counted) == ({"COMPLETED"}, count, count) else 1


if __name__ == "__main__":
    sys.exit(main())
