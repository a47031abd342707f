"""Visibility: what a provider sees of other modules."""

import logging
from typing import Annotated, Any

import pytest

from cqrs_nest.common import (
    Controller,
    DynamicModule,
    Get,
    Inject,
    Injectable,
    InjectionToken,
    Module,
    forward_ref,
    provide,
)
from cqrs_nest.core import (
    Container,
    InvalidModuleError,
    UnknownExportError,
    UnresolvedDependencyError,
)

case = pytest.mark.case


class A: ...


class NeedsA:
    def __init__(self, a: A) -> None:
        self.a = a


async def refusal(root: Any, error: type[Exception] = UnresolvedDependencyError) -> str:
    with pytest.raises(error) as raised:
        await Container.create(root)
    return str(raised.value)


@case("MOD-01")
async def test_a_provider_that_is_not_exported_stays_private() -> None:
    @Module(providers=[A])
    class LibModule: ...

    @Module(imports=[LibModule], providers=[NeedsA])
    class AppModule: ...

    message = await refusal(AppModule)

    line = NeedsA.__init__.__code__.co_firstlineno
    assert message.splitlines() == [
        "Cannot resolve the dependencies of NeedsA (?).",
        "  parameter: a at index [0]",
        "  token:     A",
        "  module:    AppModule",
        f"  source:    {__file__}:{line}",
        "  reason:    LibModule provides it but does not export it",
        "  fix:       add A to the exports of LibModule",
    ]


@case("MOD-03")
async def test_imports_of_the_parent_do_not_reach_a_sibling() -> None:
    @Module(providers=[A], exports=[A])
    class LibModule: ...

    @Module(providers=[NeedsA])
    class FeatureModule: ...

    @Module(imports=[LibModule, FeatureModule])
    class AppModule: ...

    message = await refusal(AppModule)

    assert "module:    FeatureModule (AppModule -> FeatureModule)" in message
    assert "reason:    LibModule exports it, but FeatureModule does not import LibModule" in message
    assert "fix:       add LibModule to the imports of FeatureModule" in message


@case("MOD-04")
async def test_a_child_does_not_see_its_importer() -> None:
    @Module(providers=[NeedsA])
    class FeatureModule: ...

    @Module(imports=[FeatureModule], providers=[A], exports=[A])
    class AppModule: ...

    message = await refusal(AppModule)

    assert "module:    FeatureModule" in message
    assert "AppModule exports it, but FeatureModule does not import AppModule" in message


@case("MOD-06")
async def test_only_imported_modules_can_be_exported() -> None:
    @Module()
    class OtherModule: ...

    @Module(exports=[OtherModule])
    class LibModule: ...

    @Module(imports=[LibModule])
    class AppModule: ...

    message = await refusal(AppModule, UnknownExportError)

    assert message.splitlines() == [
        "LibModule cannot export OtherModule.",
        "  reason:      OtherModule is neither a provider of LibModule nor a module that it imports",
        "  module path: AppModule -> LibModule",
        "  fix:         add OtherModule to the providers of LibModule, or to its imports if it is a module",
    ]


async def test_what_came_in_by_an_import_is_exported_with_its_module() -> None:
    @Module(providers=[A], exports=[A])
    class BaseModule: ...

    @Module(imports=[BaseModule], exports=[A])
    class MidModule: ...

    assert "A comes from BaseModule; export BaseModule instead" in await refusal(
        MidModule, UnknownExportError
    )


@case("MOD-07")
async def test_a_reexported_module_passes_its_exports_on() -> None:
    @Module(providers=[A], exports=[A])
    class BaseModule: ...

    @Module(imports=[BaseModule], exports=[BaseModule])
    class MidModule: ...

    @Module(imports=[MidModule], providers=[NeedsA])
    class AppModule: ...

    container = await Container.create(AppModule)

    assert container.get(NeedsA).a is container.get(A)


@case("MOD-09")
async def test_imports_are_not_transitive() -> None:
    @Module(providers=[A], exports=[A])
    class BaseModule: ...

    @Module(imports=[BaseModule])
    class MidModule: ...

    @Module(imports=[MidModule], providers=[NeedsA])
    class AppModule: ...

    assert "BaseModule exports it, but AppModule does not import BaseModule" in await refusal(AppModule)


class Hidden: ...


class NeedsHidden:
    def __init__(self, hidden: Hidden) -> None: ...


@Module(providers=[A, Hidden], exports=[A], is_global=True)
class GlobalModule: ...


@Module(providers=[NeedsA])
class GlobalConsumer: ...


@case("MOD-10")
async def test_exports_of_a_registered_global_module_are_visible_everywhere() -> None:
    @Module(imports=[GlobalConsumer, GlobalModule])
    class AppModule: ...

    @Module(imports=[GlobalModule])
    class DeepModule: ...

    @Module(imports=[GlobalConsumer, DeepModule])
    class DeepAppModule: ...

    for root in (AppModule, DeepAppModule):
        container = await Container.create(root)
        assert container.get(NeedsA).a is container.get(A)


@case("MOD-10")
async def test_a_global_module_keeps_what_it_does_not_export() -> None:
    @Module(providers=[NeedsHidden])
    class Feature2Module: ...

    @Module(imports=[GlobalModule, Feature2Module])
    class AppModule: ...

    message = await refusal(AppModule)

    assert "Cannot resolve the dependencies of NeedsHidden (?)." in message
    assert "GlobalModule provides it but does not export it" in message
    assert "module:    Feature2Module" in message


@case("MOD-10")
async def test_a_global_module_that_nobody_imports_does_nothing() -> None:
    @Module(imports=[GlobalConsumer])
    class AppModule: ...

    message = await refusal(AppModule)

    assert "it is not provided anywhere" in message
    assert "add A to the providers of GlobalConsumer, or import the module that exports it" in message


T = InjectionToken[str]("T")


class Reads:
    def __init__(self, value: Annotated[str, Inject(T)]) -> None:
        self.value = value


def exporting(name: str, value: str, *, is_global: bool = False) -> type:
    return Module(providers=[provide(T, use_value=value)], exports=[T], is_global=is_global)(
        type(name, (), {})
    )


@case("MOD-12")
@pytest.mark.parametrize("global_first", [True, False])
async def test_own_beats_imported_beats_global(global_first: bool) -> None:
    lib, everywhere = exporting("Lib", "lib"), exporting("Global", "global", is_global=True)

    @Module(imports=[lib], providers=[Reads, provide(T, use_value="local")])
    class OwnModule: ...

    @Module(imports=[lib], providers=[Reads])
    class ImportModule: ...

    @Module(providers=[Reads])
    class GlobalModule: ...

    features = [OwnModule, ImportModule, GlobalModule]
    root = DynamicModule(
        type("App", (), {}), imports=[everywhere, *features] if global_first else [*features, everywhere]
    )
    container = await Container.create(root)

    found = [container.select(feature).get(Reads).value for feature in features]
    assert found == ["local", "lib", "global"]


@case("MOD-13")
async def test_the_first_import_wins_and_a_reexport_counts_at_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, logger="cqrs_nest")
    l1, l2 = exporting("L1", "one"), exporting("L2", "two")
    mid = Module(imports=[l1], exports=[l1])(type("Mid", (), {}))

    for imports, expected in (([l1, l2], "one"), ([l2, l1], "two"), ([mid, l2], "one")):
        reads_too = provide("again", use_class=Reads)
        root = DynamicModule(type("App", (), {}), imports=imports, providers=[Reads, reads_too])
        container = await Container.create(root)
        assert container.get(Reads).value == expected

    assert len(caplog.messages) == 3
    assert caplog.messages[0] == (
        "App sees InjectionToken('T') from L1 and also from L2: the first import wins"
    )


@case("MOD-15")
async def test_a_static_module_exists_once() -> None:
    @Module(providers=[A], exports=[A])
    class Lib: ...

    @Module(imports=[Lib], providers=[NeedsA])
    class F1: ...

    @Module(imports=[Lib], providers=[NeedsA])
    class F2: ...

    @Module(imports=[F1, F2])
    class App: ...

    container = await Container.create(App)

    assert container.select(F1).get(NeedsA).a is container.select(F2).get(NeedsA).a


@case("MOD-16")
async def test_a_class_listed_in_two_modules_is_two_providers() -> None:
    @Module(providers=[A])
    class F1: ...

    @Module(providers=[A])
    class F2: ...

    @Module(imports=[F1, F2])
    class App: ...

    container = await Container.create(App)
    first, second = container.select(F1).get(A), container.select(F2).get(A)

    assert first is not second
    assert container.get(A) is second
    assert container.get_all(A) == [first, second]


@case("MOD-27")
async def test_a_missing_import_is_named_by_index_and_path() -> None:
    @Module()
    class GoodModule: ...

    nothing: Any = None
    broken = Module(imports=[GoodModule, nothing])(type("BrokenModule", (), {}))

    @Module(imports=[broken])
    class AppModule: ...

    message = await refusal(AppModule, InvalidModuleError)

    assert "BrokenModule has a wrong entry at index [1] of its imports." in message
    assert "module path: AppModule -> BrokenModule" in message
    assert "if two files import each other, write forward_ref(lambda: XModule) in both" in message


async def test_modules_may_import_each_other_by_forward_reference() -> None:
    class NeedsB:
        def __init__(self, b: "B") -> None:
            self.b = b

    class B: ...

    @Module(imports=[forward_ref(lambda: RightModule)], providers=[A, NeedsB], exports=[A])
    class LeftModule: ...

    @Module(imports=[forward_ref(lambda: LeftModule)], providers=[B, NeedsA], exports=[B])
    class RightModule: ...

    container = await Container.create(LeftModule)

    assert container.get(NeedsB).b is container.get(B)
    assert container.get(NeedsA).a is container.get(A)


@case("MOD-28")
async def test_a_provider_among_the_imports_is_sent_to_the_providers() -> None:
    @Injectable()
    class Service: ...

    @Module(imports=[Service])
    class AppModule: ...

    message = await refusal(AppModule, InvalidModuleError)

    assert "Service is decorated with @Injectable(), it is not a module" in message
    assert "move Service to the providers of the module" in message
    assert "AppModule" in message


@Controller()
class CatController:
    @Get()
    async def index(self) -> None: ...


@case("MOD-30")
async def test_controllers_are_not_providers() -> None:
    class NeedsController:
        def __init__(self, controller: CatController) -> None: ...

    @Module(controllers=[CatController], providers=[NeedsController])
    class InjectingModule: ...

    @Module(controllers=[CatController], exports=[CatController])
    class ExportingModule: ...

    @Module(controllers=[CatController])
    class PlainModule: ...

    injected = await refusal(InjectingModule)
    exported = await refusal(ExportingModule, UnknownExportError)
    container = await Container.create(PlainModule)

    assert "CatController is a controller, and controllers are not injectable" in injected
    assert "CatController is a controller, and controllers are not injectable" in exported
    assert isinstance(container.get(CatController), CatController)
