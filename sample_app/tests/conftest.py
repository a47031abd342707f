"""The todo module with everything replaced that would reach for AWS: these tests run in memory."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import CommandService, DataService, HistoryService
from cqrs_nest.testing import Test, TestingModule
from sample_app.main_module import MainModule
from sample_app.settings import Settings
from sample_app.tests.in_memory_items import InMemoryItems
from sample_app.todo.todo_numbers import TodoNumbers
from sample_app.todo.todo_settings import TodoSettings


class CountedNumbers:
    """Counts in memory, in the place of the table of sequences."""

    def __init__(self) -> None:
        self._numbers = count(1)

    async def next(self, tenant_code: str, invoke: Invoke) -> int:
        return next(self._numbers)


class NoSettings:
    """Nobody has set anything."""

    async def page_size(self, invoke: Invoke) -> int:
        return 10


@pytest.fixture
def todos() -> InMemoryItems:
    return InMemoryItems()


@pytest.fixture
async def module(todos: InMemoryItems) -> AsyncIterator[TestingModule]:
    builder = Test.create_testing_module(
        imports=[MainModule], env=Settings(node_env="local", app_name="todo")
    )
    for service in (CommandService, DataService, HistoryService):
        builder.override_provider(service).use_value(todos)
    builder.override_provider(TodoNumbers).use_value(CountedNumbers())
    builder.override_provider(TodoSettings).use_value(NoSettings())
    async with await builder.compile() as module:
        await module.initialize()
        yield module


@pytest.fixture
def alice() -> Invoke:
    claims = {"sub": "alice", "custom:tenant": "acme"}
    return Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {})
