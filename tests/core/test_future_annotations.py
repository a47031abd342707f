"""Annotations that are text at run time: names of the module, of a function, and of a class body."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from cqrs_nest.common import DynamicModule, Inject, InjectionToken, Module, provide
from cqrs_nest.core import Container, UnresolvedDependencyError

SIZE = InjectionToken[int]("SIZE")


class A: ...


class Outer:
    class Inner: ...

    class NeedsInner:
        def __init__(self, inner: Outer.Inner, a: A | None, size: Annotated[int, Inject(SIZE)]) -> None:
            self.seen = (type(inner), type(a), size)


async def test_names_of_the_module() -> None:
    root = DynamicModule(
        type("App", (), {}),
        providers=[A, Outer.Inner, Outer.NeedsInner, provide(SIZE, use_value=3)],
    )
    container = await Container.create(root)

    assert container.get(Outer.NeedsInner).seen == (Outer.Inner, A, 3)


async def test_names_of_the_enclosing_function() -> None:
    class Local: ...

    class NeedsLocal:
        def __init__(self, local: Local, text: str = "default") -> None:
            self.local = local

    @Module(providers=[Local, NeedsLocal])
    class App: ...

    container = await Container.create(App)

    assert container.get(NeedsLocal).local is container.get(Local)


def generation(label: str) -> tuple[type[Any], type[Any], type[Any]]:
    """A module with a service and its options; each call defines classes of the same names."""

    class Options:
        name = label

    class Service:
        def __init__(self, options: Options) -> None:
            self.options = options

    @Module(providers=[Service, Options], exports=[Service, Options])
    class Generated: ...

    return Generated, Service, Options


async def test_of_local_classes_of_one_name_the_module_s_own_is_meant() -> None:
    first, first_service, first_options = generation("first")
    second, second_service, second_options = generation("second")
    container = await Container.create(DynamicModule(type("App", (), {}), imports=[first, second]))

    assert type(container.get(first_service).options) is first_options
    assert type(container.get(second_service).options) is second_options


async def test_the_module_s_own_local_class_comes_before_one_that_it_imports() -> None:
    first, _, _ = generation("first")
    second, service, options = generation("second")

    container = await Container.create(DynamicModule(second, imports=[first]))

    assert type(container.modules[0].own[service].instance.options) is options


async def test_of_local_classes_of_one_name_the_one_that_the_module_sees_is_meant() -> None:
    first, _, options = generation("first")
    second, service, _ = generation("second")

    @Module(imports=[first], providers=[service], exports=[service])
    class Borrowing: ...

    container = await Container.create(DynamicModule(type("App", (), {}), imports=[Borrowing, second]))

    assert type(container.select(Borrowing).get(service).options) is options


async def test_several_local_classes_of_one_name_are_ambiguous() -> None:
    first, _, _ = generation("first")
    second, service, _ = generation("second")
    root = DynamicModule(type("App", (), {}), imports=[first, second], providers=[service])

    with pytest.raises(UnresolvedDependencyError) as raised:
        await Container.create(root)

    assert 'the annotation "Options" is the name of several local classes of this application' in str(
        raised.value
    )


ClockOfToken = Annotated[A, Inject(SIZE)]
Names = list[str]


class WithFields:
    clock: ClockOfToken
    names: Names
    nothing: NotDefinedAnywhere  # noqa: F821


async def test_a_field_whose_annotation_is_an_alias() -> None:
    container = await Container.create(
        DynamicModule(type("App", (), {}), providers=[WithFields, provide(SIZE, use_value=3)])
    )

    assert vars(container.get(WithFields)) == {"clock": 3}
