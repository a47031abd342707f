"""Whatever the order of their calls to AWS: of two executions that meet, the later one is resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from cqrs_nest.aws import AwsSession
from tests.pipeline.test_step_functions_driver import Resumed, run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

CALLS = 8
TABLE = "local-demo-todo-command"
current_task: ContextVar[str | None] = ContextVar("current_task", default=None)


class Turns:
    """Lets the calls of two tasks through one at a time, in a given order."""

    def __init__(self, order: list[bool]) -> None:
        self._order = iter(order)
        self._waiting: dict[str, asyncio.Event] = {}
        self._left = {"earlier", "later"}
        self._call = AwsSession.call

    async def run(self, **tasks: Callable[[], Awaitable[Any]]) -> None:
        """Run both to their end."""

        async def call(session: AwsSession, *names: str, **request: Any) -> Any:
            await self._wait()
            return await self._call(session, *names, **request)

        with mock.patch.object(AwsSession, "call", call):
            await asyncio.gather(*(self._task(name, task) for name, task in tasks.items()))

    async def _task(self, name: str, work: Callable[[], Awaitable[Any]]) -> None:
        current_task.set(name)
        await work()
        self._left.discard(name)
        self._next()

    async def _wait(self) -> None:
        name = current_task.get()
        assert name is not None
        self._waiting[name] = turn = asyncio.Event()
        self._next()
        await turn.wait()

    def _next(self) -> None:
        """When nobody is under way: let one of those who wait go on."""
        if self._left and self._waiting.keys() == self._left:
            names = sorted(self._waiting)
            chosen = names[-1] if next(self._order, False) else names[0]
            self._waiting.pop(chosen).set()


def orders() -> Iterator[list[bool]]:
    """One begins and is interrupted after every number of its calls; and both in turn."""
    for first in (True, False):
        yield from ([first] * calls + [not first] * CALLS for calls in range(CALLS))
    yield [True, False] * CALLS


async def test_the_later_execution_is_resumed_in_every_order(executions: Service) -> None:
    resumed = Resumed(executions)
    await executions.publish("A", "first")
    await executions.publish("A", "second", version=1)
    rows = [row for (table, _, _), row in executions.world.rows().items() if table == TABLE]
    for number, order in enumerate(orders()):
        sk = f"item-{number}"
        for version, row in enumerate(rows, 1):
            copy = {**row, "sk": {"S": f"{sk}@{version}"}}
            executions.world.dynamodb.put_item(TableName=TABLE, Item=copy)
        await Turns(order).run(
            earlier=partial(run, executions, "finish", f"{sk}@1"),
            later=partial(run, executions, "wait_prev_command", f"{sk}@2", token=sk),
        )
        assert sk in [told["token"] for told in resumed], order
