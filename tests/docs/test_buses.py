"""The Python of docs/buses.md runs as it stands there."""

from __future__ import annotations

from cqrs_nest.common import DynamicModule
from cqrs_nest.cqrs import CommandBus, QueryBus
from cqrs_nest.testing import Test
from tests.docs.pages import run_python


async def test_the_page_makes_an_application() -> None:
    names = run_python("buses.md")
    buses, handler, todos = names["buses"], names["RenameTodoHandler"], names["Todos"]
    assert isinstance(buses, DynamicModule)
    builder = Test.create_testing_module(imports=[buses], providers=[handler, todos])  # type: ignore[list-item]
    async with await builder.compile() as module:
        await module.initialize()
        rename, count = names["RenameTodo"], names["CountTodos"]
        assert await module.get(CommandBus).execute(rename("milk")) == 4  # type: ignore[operator]
        assert await module.get(QueryBus).execute(count("home")) == 0  # type: ignore[operator]
