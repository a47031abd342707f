"""Looking things up at run time."""

import asyncio

import pytest

from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.core import (
    Container,
    ModuleRef,
    NotBuiltYetError,
    UnknownModuleError,
    UnknownProviderError,
    UnresolvedDependencyError,
)

case = pytest.mark.case


class A: ...


class Own: ...


class Missing: ...


class Made:
    def __init__(self, a: A) -> None:
        self.a = a


class Unmakable:
    def __init__(self, missing: Missing) -> None: ...


class Probe:
    def __init__(self, module_ref: ModuleRef) -> None:
        self.module_ref = module_ref


@Module(providers=[A], exports=[A])
class Lib: ...


@Module(imports=[Lib], providers=[Probe, Own])
class FeatureModule: ...


@Module(imports=[FeatureModule])
class App: ...


@case("REF-01")
async def test_module_ref_is_strict_and_creates_with_what_the_module_sees() -> None:
    container = await Container.create(App)
    reference = container.get(Probe).module_ref

    assert reference.get(Own) is container.get(Own)
    with pytest.raises(UnknownProviderError, match="A is not a provider of FeatureModule itself"):
        reference.get(A)
    assert reference.get(A, strict=False) is container.get(A)
    for strict in (True, False):
        with pytest.raises(UnknownProviderError, match="Missing"):
            reference.get(Missing, strict=strict)
    assert await reference.resolve(Own) is container.get(Own)
    first, second = await reference.create(Made), await reference.create(Made)
    assert first is not second
    assert first.a is container.get(A)
    with pytest.raises(UnknownProviderError):
        reference.get(Made, strict=False)
    with pytest.raises(UnresolvedDependencyError, match=r"Unmakable \(\?\)(.|\n)*module:    FeatureModule"):
        await reference.create(Unmakable)


@case("REF-02")
async def test_the_application_looks_at_all_modules_and_can_be_narrowed() -> None:
    @Module(providers=[A])
    class PrivateModule: ...

    @Module(imports=[PrivateModule])
    class Root: ...

    @Module()
    class Unknown: ...

    container = await Container.create(Root)

    assert isinstance(container.get(A), A)
    with pytest.raises(UnknownProviderError, match="A is not a provider of Root itself"):
        container.get(A, strict=True)
    with pytest.raises(UnknownProviderError, match="Missing is not provided by any module"):
        container.get(Missing)
    assert container.select(PrivateModule).get(A, strict=True) is container.get(A)
    with pytest.raises(UnknownModuleError, match="Unknown is not a module of this application"):
        container.select(Unknown)


async def test_resolving_is_strict_as_well() -> None:
    container = await Container.create(App)
    reference = container.get(Probe).module_ref

    assert await reference.resolve(Own) is container.get(Own)
    assert await reference.resolve(A, strict=False) is container.get(A)
    with pytest.raises(UnknownProviderError, match="A is not a provider of FeatureModule itself"):
        await reference.resolve(A)


async def test_nothing_is_created_of_what_has_not_been_built_yet() -> None:
    async def create(module_ref: ModuleRef) -> Made:
        return await module_ref.create(Made)

    async def connect() -> A:
        await asyncio.sleep(0)
        return A()

    providers = [provide(A, use_factory=connect), provide("made", use_factory=create)]
    with pytest.raises(NotBuiltYetError, match="A of App> has not been built yet"):
        await Container.create(DynamicModule(type("App", (), {}), providers=providers))
