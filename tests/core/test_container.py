"""The container from outside: injectors, lazy modules, discovery, the graph, overrides and hooks."""

from typing import Any

import injector
import pytest

from cqrs_nest.common import (
    APP_GUARD,
    Controller,
    DynamicModule,
    Get,
    Injectable,
    MetadataKey,
    Module,
    Reflector,
    Scope,
    SetMetadata,
    UseGuards,
    provide,
)
from cqrs_nest.common.providers import ValueProvider
from cqrs_nest.core import (
    CircularDependencyError,
    Container,
    DiscoveryService,
    LazyModuleLoader,
    ModuleRef,
    NotBuiltYetError,
    Overrides,
    RequestScope,
    UnknownExportError,
    UnresolvedDependencyError,
)


class A: ...


class Clock: ...


class Wall:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock


class Plain(injector.Module):
    """Written for the injector library: knows nothing of modules."""

    def configure(self, binder: injector.Binder) -> None:
        binder.bind(Clock, to=injector.InstanceProvider(Clock()))

    @injector.provider
    def text(self, a: A, wall: Wall) -> str:
        return f"{type(a).__name__} {type(wall).__name__}"


class Reader:
    def __init__(self, text: str, clock: Clock) -> None:
        self.text, self.clock = text, clock


@Module(injector_modules=[Plain()], providers=[Reader, Wall, A], exports=[Clock, A])
class PlainModule: ...


async def test_a_plain_injector_module_and_the_module_share_their_providers() -> None:
    @Module(imports=[PlainModule], providers=[provide("wall", use_class=Wall)])
    class App: ...

    container = await Container.create(App)
    reader = container.get(Reader)

    assert reader.text == "A Wall"
    assert reader.clock is container.get(Clock) is container.get(Wall).clock
    assert container.modules[0].own["wall"].instance.clock is reader.clock
    ref = container.select(App)
    assert ref.injector.get(A) is container.get(A)
    assert container.select(PlainModule).injector.get(str) == "A Wall"
    with pytest.raises(injector.UnsatisfiedRequirement):
        ref.injector.get(Reader)


async def test_keys_of_plain_injector_modules_stay_private_unless_exported() -> None:
    @Module(imports=[PlainModule], providers=[Reader])
    class App: ...

    with pytest.raises(UnresolvedDependencyError, match=r"Reader \(\?, Clock\)"):
        await Container.create(App)

    with pytest.raises(UnknownExportError):
        await Container.create(DynamicModule(type("M", (), {}), injector_modules=[Plain()], exports=[bytes]))


async def test_a_plain_key_that_nobody_injects_can_be_fetched() -> None:
    class Sizes(injector.Module):
        @injector.provider
        def size(self, a: A) -> int:
            return 7

    container = await Container.create(
        DynamicModule(type("M", (), {}), injector_modules=[Sizes()], providers=[A])
    )

    assert container.get(int) == 7


async def test_while_it_is_built_the_application_knows_its_modules() -> None:
    class Early:
        def __init__(self, module_ref: ModuleRef, discovery: DiscoveryService) -> None:
            self.modules = {binding.module.name for binding in discovery.providers()}
            with pytest.raises(NotBuiltYetError, match="Clock of ClockModule> has not been built yet"):
                module_ref.get(Clock, strict=False)

    @Module(providers=[Clock])
    class ClockModule: ...

    root = DynamicModule(type("App", (), {}), imports=[ClockModule], providers=[Early])
    container = await Container.create(root)

    assert container.get(Early).modules == {"App", "ClockModule"}


async def test_keys_of_plain_injector_modules_can_be_overridden() -> None:
    overrides = Overrides()
    overrides.provider(str, ValueProvider(str, "fake"))

    container = await Container.create(PlainModule, overrides=overrides)

    assert container.get(Reader).text == "fake"
    assert container.select(PlainModule).injector.get(str) == "fake"


async def test_a_circle_through_a_plain_injector_module_is_found() -> None:
    class NeedsText:
        def __init__(self, text: str) -> None: ...

    class Circular(injector.Module):
        @injector.provider
        def text(self, needs: NeedsText) -> str:
            return ""

    with pytest.raises(CircularDependencyError, match="NeedsText"):
        await Container.create(
            DynamicModule(type("M", (), {}), injector_modules=[Circular()], providers=[NeedsText])
        )


async def test_what_the_framework_provides_needs_no_import() -> None:
    class Service:
        def __init__(
            self,
            reflector: Reflector,
            module_ref: ModuleRef,
            discovery: DiscoveryService,
            loader: LazyModuleLoader,
        ) -> None:
            self.seen = [type(each) for each in (reflector, module_ref, discovery, loader)]

    container = await Container.create(DynamicModule(type("M", (), {}), providers=[Service]))

    assert container.get(Service).seen == [Reflector, ModuleRef, DiscoveryService, LazyModuleLoader]
    assert isinstance(container.get(Reflector), Reflector)


async def test_a_lazy_module_is_built_once_and_its_start_hooks_do_not_run() -> None:
    hooks: list[str] = []

    class LazyService:
        def __init__(self, a: A) -> None:
            self.a = a

        def on_module_init(self) -> None:
            hooks.append("init")

        def on_module_destroy(self) -> None:
            hooks.append("destroy")

    @Module(providers=[A], exports=[A])
    class Shared: ...

    @Module(imports=[Shared], providers=[LazyService])
    class LazyModule: ...

    container = await Container.create(DynamicModule(type("App", (), {}), imports=[Shared]))
    await container.initialize()
    loader = container.get(LazyModuleLoader)
    assert len(container.modules) == 2

    first = await loader.load(LazyModule)
    second = await loader.load(lambda: LazyModule)

    assert first.get(LazyService) is second.get(LazyService) is container.get(LazyService)
    assert first.get(LazyService).a is container.get(A)
    assert hooks == []
    await container.close()
    assert hooks == ["destroy"]


async def test_a_lazy_module_that_cannot_be_built_leaves_nothing_behind() -> None:
    @Module(providers=[Wall])
    class Broken: ...

    container = await Container.create(DynamicModule(type("App", (), {}), providers=[A]))
    loader = container.get(LazyModuleLoader)

    for _ in range(2):
        with pytest.raises(UnresolvedDependencyError, match="Wall"):
            await loader.load(Broken)
    assert len(container.modules) == 1


JOB = MetadataKey[str]("job")


async def test_discovery_finds_classes_by_their_metadata() -> None:
    @SetMetadata(JOB, "nightly")
    class Nightly: ...

    @Controller()
    class CatController:
        @Get()
        async def index(self) -> None: ...

    @Module(providers=[Nightly, A, provide("alias", use_existing=Nightly)])
    class Jobs: ...

    @Module(imports=[Jobs], controllers=[CatController], providers=[provide("made", use_factory=Nightly)])
    class App: ...

    container = await Container.create(App)
    discovery = container.get(DiscoveryService)

    assert [(binding.module.name, value) for binding, value in discovery.providers_with(JOB)] == [
        ("App", "nightly"),
        ("Jobs", "nightly"),
    ]
    assert [binding.cls for binding in discovery.controllers()] == [CatController]
    assert len(discovery.providers()) == 4


async def test_the_graph_as_data_diagram_and_tree() -> None:
    @Controller()
    class CatController:
        @Get()
        async def index(self) -> None: ...

    @Module(providers=[Clock], exports=[Clock], is_global=True)
    class ClockModule: ...

    @Module(providers=[A, Wall], exports=[A])
    class DataModule: ...

    @Module(imports=[DataModule], exports=[DataModule])
    class CatModule: ...

    @Module(imports=[ClockModule, CatModule, DataModule], controllers=[CatController])
    class App: ...

    graph = (await Container.create(App)).graph()

    assert graph.modules[0].imports == ("m1", "m2", "m3")
    assert graph.modules[2].exports == ("m3",)
    assert graph.mermaid().splitlines() == [
        "flowchart TD",
        '    m0["App"]',
        '    m1(["ClockModule"])',
        '    m2["CatModule"]',
        '    m3["DataModule"]',
        "    m0 --> m1",
        "    m0 --> m2",
        "    m0 --> m3",
        "    m2 --> m3",
    ]
    assert graph.tree().splitlines() == [
        "App",
        "  - CatController (controller)",
        "  ClockModule (global)",
        "    - Clock *",
        "  CatModule",
        "    DataModule",
        "      - A *",
        "      - Wall",
        "  DataModule (see above)",
    ]


class Guard:
    def __init__(self, missing: bytes) -> None: ...

    def can_activate(self, context: object) -> bool:
        return True


async def test_an_overridden_enhancer_is_not_built() -> None:
    @Controller()
    @UseGuards(Guard)
    class CatController:
        @Get()
        async def index(self) -> None: ...

    overrides = Overrides()
    overrides.enhancer(Guard, ValueProvider(Guard, "fake"))
    root = DynamicModule(type("App", (), {}), controllers=[CatController])
    container = await Container.create(root, overrides=overrides)

    assert container.enhancer(Guard, container.modules[0]).instance == "fake"


async def test_failing_shutdown_hooks_stop_no_other_and_are_all_raised() -> None:
    log: list[str] = []

    class Failing:
        def on_module_destroy(self) -> None:
            raise ValueError("destroy")

        async def on_application_shutdown(self, signal: str | None) -> None:
            raise ValueError(f"shutdown {signal}")

    class Working:
        async def on_module_destroy(self) -> None:
            log.append("destroy")

        def on_application_shutdown(self, signal: str | None) -> None:
            log.append(f"shutdown {signal}")

    container = await Container.create(DynamicModule(type("App", (), {}), providers=[Failing, Working]))

    with pytest.raises(BaseExceptionGroup) as raised:
        await container.close("SIGTERM")

    assert [str(error) for error in raised.value.exceptions] == ["destroy", "shutdown SIGTERM"]
    assert log == ["destroy", "shutdown SIGTERM"]


async def test_a_failing_start_hook_rejects_the_start() -> None:
    later: list[str] = []

    class Failing:
        async def on_module_init(self) -> None:
            raise LookupError("no table")

    class Later:
        def on_application_bootstrap(self) -> None:
            later.append("bootstrap")

    container = await Container.create(DynamicModule(type("App", (), {}), providers=[Failing, Later]))

    with pytest.raises(LookupError, match="no table"):
        await container.initialize()
    assert later == []


async def test_created_objects_leave_no_trace_in_the_module() -> None:
    @Injectable(scope=Scope.TRANSIENT)
    class Prefix: ...

    @Injectable(scope=Scope.REQUEST)
    class Caller: ...

    class Made:
        def __init__(self, a: A, prefix: Prefix, caller: Caller) -> None:
            self.a, self.prefix, self.caller = a, prefix, caller

    root = DynamicModule(type("App", (), {}), providers=[A, Prefix, Caller])
    container = await Container.create(root)
    ref: Any = container.select(root)
    scope = RequestScope()
    first, second = await ref.create(Made, scope), await ref.create(Made, scope)

    assert first.prefix is not second.prefix
    assert first.caller is second.caller
    assert first.a is container.get(A)
    assert container.modules[0].transients == []


async def test_an_injector_gives_what_its_module_sees_first() -> None:
    def lib(name: str, *tokens: str, is_global: bool = False, imports: Any = ()) -> DynamicModule:
        values = [provide(token, use_value=f"{token} of {name}") for token in tokens]
        return DynamicModule(
            type(name, (), {}), imports=imports, providers=values, exports=tokens, is_global=is_global
        )

    feature = lib("Feature", "a", imports=[lib("First", "a", "b"), lib("Second", "b", "c")])
    shared = lib("Global", "a", "b", "c", "d", is_global=True)
    container = await Container.create(lib("App", imports=[shared, feature]))
    of_feature: Any = container.select(feature).injector

    given = [of_feature.get(token) for token in ("a", "b", "c", "d")]
    assert given == ["a of Feature", "b of First", "c of Second", "d of Global"]


async def test_a_module_listed_twice_is_imported_once() -> None:
    @Module(providers=[A])
    class Lib: ...

    container = await Container.create(DynamicModule(type("App", (), {}), imports=[Lib, Lib]))

    assert [module.name for module in container.modules[0].imports] == ["Lib"]
    assert container.graph().modules[0].imports == ("m1",)


async def test_the_graph_names_app_guards_and_shows_modules_that_were_loaded_later() -> None:
    class AuthGuard: ...

    @Module(imports=[PlainModule])
    class Later: ...

    app_guard = provide(APP_GUARD, use_class=AuthGuard)
    container = await Container.create(DynamicModule(type("App", (), {}), providers=[app_guard]))
    await container.get(LazyModuleLoader).load(Later)

    assert container.graph().tree().splitlines()[:4] == [
        "App",
        "  - APP_GUARD: AuthGuard",
        "Later",
        "  PlainModule",
    ]


async def test_the_graph_of_a_very_long_chain_of_imports() -> None:
    last = type("Module0", (), {})
    for number in range(1, 1500):
        last = Module(imports=[last])(type(f"Module{number}", (), {}))

    tree = (await Container.create(last)).graph().tree().splitlines()

    assert (len(tree), tree[-1].strip()) == (1500, "Module0")


async def test_a_module_class_that_needs_a_request_is_not_built_and_a_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @Injectable(scope=Scope.REQUEST)
    class Caller: ...

    @Module(providers=[Caller])
    class App:
        def __init__(self, caller: Caller) -> None: ...

    await Container.create(App)

    assert caplog.messages == [
        "The module class App needs something request-scoped: it is never built, and its hooks do not run"
    ]


async def test_a_very_long_chain_of_reexports() -> None:
    last = Module(providers=[Clock], exports=[Clock])(type("Module0", (), {}))
    for number in range(1, 1500):
        last = Module(imports=[last], exports=[last])(type(f"Module{number}", (), {}))

    container = await Container.create(DynamicModule(type("App", (), {}), imports=[last], providers=[Wall]))

    assert container.get(Wall).clock is container.get(Clock)
