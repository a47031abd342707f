"""When the lifecycle hooks run."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cqrs_nest.common import Controller, Injectable, Module, Scope, UseGuards, forward_ref, provide
from cqrs_nest.core import Container
from cqrs_nest.testing import Test

case = pytest.mark.case

HOOKS = {
    "on_module_init": "init",
    "on_application_bootstrap": "boot",
    "on_module_destroy": "destroy",
    "before_application_shutdown": "before",
    "on_application_shutdown": "shutdown",
}


class Journal:
    """Makes classes whose hooks write down when they were called."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def hooked(self, name: str) -> type[Any]:
        def entry(hook: str) -> Callable[..., None]:
            def write(self_: object, *arguments: object) -> None:
                shown = f"({', '.join(map(str, arguments))})" if arguments else ""
                self.entries.append(f"{HOOKS[hook]}{shown}:{name}")

            return write

        return type(name, (), {hook: entry(hook) for hook in HOOKS})

    def during(self, phase: str) -> list[str]:
        return [entry.split(":")[1] for entry in self.entries if entry.startswith(phase)]


@case("LIFE-01")
async def test_hooks_run_from_the_deepest_module_and_back_from_the_root() -> None:
    journal = Journal()
    base = Module(providers=[journal.hooked("baseP1"), journal.hooked("baseP2")])(journal.hooked("Base"))
    mid = Module(imports=[base], providers=[journal.hooked("midP")])(journal.hooked("Mid"))
    controller = Controller()(journal.hooked("rootCtl"))
    root = Module(imports=[mid], controllers=[controller], providers=[journal.hooked("rootP")])(
        journal.hooked("Root")
    )

    container = await Container.create(root)
    assert journal.entries == []
    await container.initialize()
    await container.close("SIGTERM")

    up = ["baseP1", "baseP2", "Base", "midP", "Mid", "rootCtl", "rootP", "Root"]
    down = ["rootCtl", "rootP", "Root", "midP", "Mid", "baseP1", "baseP2", "Base"]
    assert journal.entries == [
        *(f"init:{name}" for name in up),
        *(f"boot:{name}" for name in up),
        *(f"destroy:{name}" for name in down),
        *(f"before(SIGTERM):{name}" for name in down),
        *(f"shutdown(SIGTERM):{name}" for name in down),
    ]


async def test_global_modules_and_what_they_import_start_first() -> None:
    journal = Journal()
    settings = Module(providers=[journal.hooked("settings")])(type("Settings", (), {}))
    database = Module(imports=[settings], providers=[journal.hooked("database")], is_global=True)(
        type("Database", (), {})
    )
    deep = Module(providers=[journal.hooked("deep")])(type("Deep", (), {}))
    feature = Module(imports=[deep], providers=[journal.hooked("feature")])(type("Feature", (), {}))
    root = Module(imports=[feature, database])(type("Root", (), {}))

    container = await Container.create(root)
    await container.initialize()
    await container.close()

    assert journal.during("init") == ["settings", "database", "deep", "feature"]
    assert journal.during("destroy") == ["feature", "deep", "database", "settings"]


async def test_in_an_import_circle_the_root_still_starts_last() -> None:
    journal = Journal()
    feature = Module(imports=[forward_ref(lambda: root)], providers=[journal.hooked("feature")])(
        type("Feature", (), {})
    )
    root = Module(imports=[feature], providers=[journal.hooked("root")])(type("Root", (), {}))

    await (await Container.create(root)).initialize()

    assert journal.during("init") == ["feature", "root"]


@case("LIFE-03")
async def test_hooks_of_one_module_run_together_and_the_next_module_waits() -> None:
    log: list[str] = []
    fast_is_done = asyncio.Event()

    class Slow:
        async def on_module_init(self) -> None:
            await fast_is_done.wait()
            log.append("slow")

    class Fast:
        async def on_module_init(self) -> None:
            log.append("fast")
            fast_is_done.set()

    class Importer:
        def on_module_init(self) -> None:
            log.append("importer")

    @Module(providers=[Slow, Fast])
    class Inner: ...

    @Module(imports=[Inner], providers=[Importer])
    class Outer: ...

    container = await Container.create(Outer)
    async with asyncio.timeout(10):
        await container.initialize()

    assert log == ["fast", "slow", "importer"]


@case("LIFE-04")
async def test_hooks_are_called_once_on_everything_that_is_there() -> None:
    journal = Journal()
    singleton = journal.hooked("singleton")
    used = journal.hooked("useClass")
    transient = Injectable(scope=Scope.TRANSIENT)(journal.hooked("transient"))
    in_request = Injectable(scope=Scope.REQUEST)(journal.hooked("request"))

    class Consumer:
        def __init__(self, transient: object) -> None: ...

    Consumer.__init__.__annotations__["transient"] = transient

    @Module(
        providers=[
            singleton,
            in_request,
            transient,
            Consumer,
            provide("factory", use_factory=journal.hooked("factory")),
            provide("value", use_value=journal.hooked("value")()),
            provide("class", use_class=used),
            provide("alias", use_existing=singleton),
        ]
    )
    class App: ...

    container = await Container.create(App)
    await container.initialize()
    await container.close()

    expected = ["factory", "singleton", "transient", "useClass", "value"]
    for phase in HOOKS.values():
        assert sorted(journal.during(phase)) == expected


@case("LIFE-07")
async def test_start_hooks_and_shutdown_hooks_run_once() -> None:
    journal = Journal()
    container = await Container.create(Module(providers=[journal.hooked("P")])(type("App", (), {})))

    for _ in range(2):
        await container.initialize()
    for _ in range(2):
        await container.close()

    assert journal.during("init") == journal.during("boot") == ["P"]
    assert journal.during("destroy") == journal.during("shutdown") == ["P"]


@case("LIFE-10")
async def test_compiling_a_testing_module_runs_no_hooks() -> None:
    journal = Journal()

    module = await Test.create_testing_module(providers=[journal.hooked("P")]).compile()
    assert journal.entries == []
    await module.initialize()
    assert journal.entries == ["init:P", "boot:P"]
    await module.close()
    assert journal.entries[2:] == ["destroy:P", "before(None):P", "shutdown(None):P"]


async def test_the_module_class_comes_after_its_async_providers() -> None:
    log: list[str] = []

    class Provider:
        async def on_module_init(self) -> None:
            await asyncio.sleep(0)
            log.append("provider")

    @Module(providers=[Provider])
    class App:
        def on_module_init(self) -> None:
            log.append("module")

    await (await Container.create(App)).initialize()

    assert log == ["provider", "module"]


async def test_enhancers_have_hooks_too() -> None:
    journal = Journal()
    controller = UseGuards(journal.hooked("guard"))(Controller()(type("CatController", (), {})))

    await (await Container.create(Module(controllers=[controller])(type("App", (), {})))).initialize()

    assert journal.during("init") == ["guard"]


async def test_shutdown_hooks_of_one_module_run_together() -> None:
    fast_is_done = asyncio.Event()

    class Slow:
        async def on_module_destroy(self) -> None:
            await fast_is_done.wait()

    class Fast:
        async def on_module_destroy(self) -> None:
            fast_is_done.set()

    container = await Container.create(Module(providers=[Slow, Fast])(type("App", (), {})))
    async with asyncio.timeout(10):
        await container.close()


@pytest.mark.parametrize("is_direct_first", [True, False])
async def test_the_longest_way_from_the_root_counts(is_direct_first: bool) -> None:
    journal = Journal()
    shared = Module(providers=[journal.hooked("shared")])(type("Shared", (), {}))
    feature = Module(imports=[shared], providers=[journal.hooked("feature")])(type("Feature", (), {}))
    imports = [shared, feature] if is_direct_first else [feature, shared]

    await (await Container.create(Module(imports=imports)(type("App", (), {})))).initialize()

    assert journal.during("init") == ["shared", "feature"]


async def test_a_mock_that_answers_to_every_name_has_no_hooks() -> None:
    class AnswersAll:
        def __getattr__(self, name: str) -> Callable[[], None]:
            raise AssertionError(f"{name} was taken for a hook")

    container = await Container.create(
        Module(providers=[provide("mock", use_value=AnswersAll())])(type("App", (), {}))
    )
    await container.initialize()
    await container.close()


async def test_transient_providers_come_between_the_others_and_the_module_class() -> None:
    journal = Journal()
    transient = Injectable(scope=Scope.TRANSIENT)(journal.hooked("transient"))

    class Consumer:
        def __init__(self, transient: object) -> None: ...

        def on_module_init(self) -> None:
            journal.entries.append("init:consumer")

    Consumer.__init__.__annotations__["transient"] = transient
    root = Module(providers=[transient, Consumer])(journal.hooked("App"))

    await (await Container.create(root)).initialize()

    assert journal.during("init") == ["consumer", "transient", "App"]
