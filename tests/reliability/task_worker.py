"""A worker of tasks in a process of its own, to be killed: `-m tests.reliability.task_worker <file>`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsSession
from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.local import Queue
from cqrs_nest.local.queue_poller import QueuePoller
from cqrs_nest.local.write_signal import WriteSignal
from cqrs_nest_task import TaskHandler, TaskModule, TaskOptions, TaskRun

QUEUES = (Queue("task-action-queue", ["task-execute"]), Queue("sub-task-status-queue", ["sub-task-status"]))


class Log:
    """A file with one line for each sub-task that was run to its end."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, line: str) -> None:
        """Append a line, whatever other processes append."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)


@TaskHandler("COUNT", input=int)
class CountHandler:
    def __init__(self, log: Log) -> None:
        self._log = log

    async def execute(self, run: TaskRun[int]) -> int:
        await asyncio.sleep(0.001)
        self._log.write(str(run.input))
        return run.input


@Module()
class Root:
    """The application of both sides."""


def application(log: Path) -> DynamicModule:
    return DynamicModule(
        Root,
        imports=[TaskModule.register(TaskOptions(fan_out="queue"))],
        providers=[CountHandler, provide(Log, use_value=Log(log))],
    )


async def work(log: Path) -> None:
    """Deliver the messages of both queues until the process is killed."""
    app = await CqrsNest.create(application(log))
    session: AwsSession = app.get(AwsSession)
    pollers: list[QueuePoller] = []
    for queue in QUEUES:
        answer: dict[str, Any] = await session.call("sqs", "get_queue_url", QueueName=queue.name)
        pollers.append(QueuePoller(session, answer["QueueUrl"], queue.arn, app.events.handle, WriteSignal()))
    for poller in pollers:
        poller.start()
    sys.stdout.write("working\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
