"""Modules that are loaded into a running application, alone, side by side and from inside each other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.core import Container, LazyModuleLoader, NotBuiltYetError, UnresolvedDependencyError


class A: ...


class Inner: ...


@Module(providers=[Inner], exports=[Inner])
class InnerModule: ...


async def load_inner(loader: LazyModuleLoader) -> Inner:
    return (await loader.load(InnerModule)).get(Inner)


def named(name: str, **lists: Any) -> DynamicModule:
    return DynamicModule(type(name, (), {}), **lists)


@asynccontextmanager
async def running(*providers: Any) -> AsyncGenerator[Container]:
    async with asyncio.timeout(10):
        container = await Container.create(named("App", providers=providers))
        yield container
        await container.close()


async def test_a_factory_of_a_lazy_module_may_load_others() -> None:
    factories = [provide(name, use_factory=load_inner) for name in ("first", "second")]

    async with running() as container:
        ref: Any = await container.get(LazyModuleLoader).load(named("Outer", providers=factories))

        assert ref.get("first") is ref.get("second") is container.get(Inner)
        assert [module.name for module in container.modules] == ["App", "Outer", "InnerModule"]


async def test_a_factory_may_load_modules_while_the_application_is_built() -> None:
    async with running(provide("inner", use_factory=load_inner)) as container:
        assert [module.name for module in container.modules] == ["App", "InnerModule"]


async def test_a_lazy_module_cannot_use_what_still_waits_for_it() -> None:
    async def load(loader: LazyModuleLoader) -> A:
        await loader.load(late_module)
        return A()

    shared = named("Shared", providers=[provide(A, use_factory=load)], exports=[A])
    late_module = named("Late", imports=[shared], providers=[provide("x", use_existing=A)])

    async with asyncio.timeout(10):
        with pytest.raises(NotBuiltYetError, match="A of Shared> has not been built yet"):
            await Container.create(shared)


async def test_one_module_loaded_by_many_at_once_is_built_once() -> None:
    built: list[A] = []
    is_connected = asyncio.Event()

    async def connect() -> A:
        await is_connected.wait()
        built.append(A())
        return built[-1]

    lazy = named("Lazy", providers=[provide(A, use_factory=connect)])
    async with running() as container:
        loader = container.get(LazyModuleLoader)

        async def load() -> A:
            return (await loader.load(lazy)).get(A)

        loads = [asyncio.create_task(load()) for _ in range(5)]
        await asyncio.sleep(0)
        is_connected.set()

        assert await asyncio.gather(*loads) == built * 5
        assert len(built) == 1


async def test_different_modules_loaded_at_once_share_what_they_import() -> None:
    class NeedsInner:
        def __init__(self, inner: Inner) -> None:
            self.inner = inner

    modules = [named(f"M{n}", imports=[InnerModule], providers=[NeedsInner]) for n in range(5)]
    async with running() as container:
        loader = container.get(LazyModuleLoader)
        refs = await asyncio.gather(*(loader.load(module) for module in modules))

        assert {id(ref.get(NeedsInner).inner) for ref in refs} == {id(container.get(Inner))}


async def test_a_task_that_outlives_its_load_waits_its_turn_like_all() -> None:
    may_go = asyncio.Event()
    tasks: list[asyncio.Task[Inner]] = []

    async def later(loader: LazyModuleLoader) -> Inner:
        await may_go.wait()
        return await load_inner(loader)

    async def spawn(loader: LazyModuleLoader) -> A:
        tasks.append(asyncio.create_task(later(loader)))
        return A()

    async with running() as container:
        loader = container.get(LazyModuleLoader)
        await loader.load(named("Spawning", providers=[provide(A, use_factory=spawn)]))
        may_go.set()

        assert await tasks[0] is (await loader.load(InnerModule)).get(Inner)


async def test_when_a_load_fails_what_its_factories_loaded_goes_with_it() -> None:
    closed: list[str] = []

    class Connection:
        def on_module_destroy(self) -> None:
            closed.append("connection")

    connections = named("Connections", providers=[Connection])

    async def fail(loader: LazyModuleLoader) -> None:
        await loader.load(connections)
        raise LookupError("no table")

    async with running() as container:
        with pytest.raises(LookupError, match="no table"):
            await container.get(LazyModuleLoader).load(
                named("Broken", providers=[provide("x", use_factory=fail)])
            )

        assert [module.name for module in container.modules] == ["App"]
        assert closed == ["connection"]


async def test_a_global_module_that_is_loaded_lazily_serves_only_those_who_import_it() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    async with running() as container:
        loader = container.get(LazyModuleLoader)
        await loader.load(named("Global", providers=[A], exports=[A], is_global=True))

        with pytest.raises(UnresolvedDependencyError, match="but Late does not import Global"):
            await loader.load(named("Late", providers=[NeedsA]))
