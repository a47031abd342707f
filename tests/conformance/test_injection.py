"""How providers get what they need."""

import asyncio
from abc import ABC, abstractmethod
from typing import Annotated, Any

import pytest

from cqrs_nest.common import DynamicModule, Inject, InjectionToken, forward_ref, provide
from cqrs_nest.common.providers import Provider
from cqrs_nest.core import CircularDependencyError, Container, UnresolvedDependencyError

case = pytest.mark.case


class A: ...


def module_of(*providers: Provider, name: str = "AppModule") -> DynamicModule:
    return DynamicModule(type(name, (), {}), providers=providers)


async def refusal(root: Any, error: type[Exception] = UnresolvedDependencyError) -> str:
    with pytest.raises(error) as raised:
        await Container.create(root)
    return str(raised.value)


@case("DI-01")
async def test_the_error_shows_the_place_in_the_parameter_list() -> None:
    class P0:
        def __init__(self, a: A, text: str, anything: object) -> None: ...

    message = await refusal(module_of(A, P0))

    assert message.startswith("Cannot resolve the dependencies of P0 (A, ?, object).")
    assert "parameter: text at index [1]" in message
    assert "token:     str" in message


@case("DI-03")
async def test_an_alias_of_nothing_fails_by_its_own_name() -> None:
    message = await refusal(module_of(provide("ALIAS", use_existing=A)))

    assert message.startswith('Cannot resolve the dependencies of "ALIAS" (?).')
    assert "parameter: at index [0]" in message
    assert "token:     A" in message


@case("DI-04")
async def test_an_absent_optional_dependency_is_none_or_its_default() -> None:
    class Optionals:
        def __init__(self, a: A | None, b: A | None = None, text: str = "default") -> None:
            self.seen = (a, b, text)

    container = await Container.create(
        module_of(
            Optionals,
            provide("factory", use_factory=lambda a: a, inject=[Inject(A, optional=True)]),
        )
    )

    assert container.get(Optionals).seen == (None, None, "default")
    assert container.modules[0].own["factory"].instance is None


@case("DI-04")
async def test_an_optional_dependency_that_is_there_but_broken_fails() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    class Optional:
        def __init__(self, broken: NeedsA | None = None) -> None: ...

    assert "Cannot resolve the dependencies of NeedsA (?)" in await refusal(module_of(NeedsA, Optional))


class Shape(ABC):
    @abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    def area(self) -> float:
        return 1


NUMBER = InjectionToken[int]("NUMBER")
NOTHING = InjectionToken[None]("NOTHING")


@case("DI-06")
async def test_all_forms_of_providers() -> None:
    calls: list[int] = []

    async def following(number: int) -> int:
        await asyncio.sleep(0)
        calls.append(number)
        return number + 1

    class Reader:
        def __init__(
            self, first: Annotated[int, Inject("NEXT")], second: Annotated[int, Inject("NEXT")]
        ) -> None:
            self.seen = [first, second]

    other = InjectionToken[Square]("OTHER")
    alias = InjectionToken[Square]("ALIAS")
    container = await Container.create(
        module_of(
            Square,
            Reader,
            provide(Shape, use_class=Square),
            provide(other, use_class=Square),
            provide(alias, use_existing=Square),
            provide(NUMBER, use_value=7),
            provide(NOTHING, use_value=None),
            provide("NEXT", use_factory=following, inject=[NUMBER]),
        )
    )

    assert container.get(alias) is container.get(Square)
    assert len({id(container.get(token)) for token in (Square, Shape, other)}) == 3
    assert container.get(NUMBER) == 7
    assert container.get(NOTHING) is None
    assert container.get(Reader).seen == [8, 8]
    assert calls == [7]


@case("DI-07")
async def test_errors_of_factories_and_constructors_come_through_unchanged() -> None:
    failure = KeyError("boom")

    def fail() -> None:
        raise failure

    async def fail_later() -> None:
        await asyncio.sleep(0)
        raise failure

    class Failing:
        def __init__(self) -> None:
            raise failure

    for provider in (provide("x", use_factory=fail), provide("x", use_factory=fail_later), Failing):
        with pytest.raises(KeyError) as raised:
            await Container.create(module_of(provider))
        assert raised.value is failure


class Chicken:
    def __init__(self, egg: "Egg") -> None: ...


class Egg:
    def __init__(self, chicken: Chicken) -> None: ...


@case("DI-09")
async def test_a_circle_without_forward_reference_is_an_error_with_its_path() -> None:
    message = await refusal(module_of(Chicken, Egg), CircularDependencyError)

    assert message.splitlines()[:2] == [
        "A circular dependency cannot be built.",
        "  path: Chicken (AppModule) -> Egg (AppModule) -> Chicken (AppModule)",
    ]
    assert "forward_ref" in message


class SA:
    def __init__(self, b: Annotated["SB", Inject(forward_ref(lambda: SB))]) -> None:
        self.seen = (hasattr(b, "name"), type(b))
        self.name = "SA"
        self.b = b


class SB:
    def __init__(self, a: Annotated[SA, Inject(forward_ref(lambda: SA))]) -> None:
        self.seen = (a.name, type(a))
        self.name = "SB"
        self.a = a


@case("DI-10")
async def test_forward_references_link_both_sides() -> None:
    container = await Container.create(module_of(SA, SB))
    a, b = container.get(SA), container.get(SB)

    assert a.seen == (False, SB)
    assert b.seen == ("SA", SA)
    assert a.b is b
    assert b.a is a
    assert a.b.name == "SB"


@case("DI-12")
async def test_independent_async_factories_run_side_by_side() -> None:
    meeting = asyncio.Barrier(4)

    async def meet() -> str:
        await meeting.wait()
        return "met"

    modules = [module_of(provide(f"f{number}", use_factory=meet), name=f"M{number}") for number in range(2)]
    root = DynamicModule(
        type("Root", (), {}),
        imports=modules,
        providers=[provide("f2", use_factory=meet), provide("f3", use_factory=meet)],
    )

    async with asyncio.timeout(10):
        container = await Container.create(root)

    assert container.modules[0].own["f3"].instance == "met"


@case("DI-13")
async def test_fields_and_constructors_are_injected_through_base_classes() -> None:
    class Base:
        p: Annotated[str, Inject("P")]

        def __init__(self, a: A) -> None:
            self.a = a

    class Child(Base): ...

    child = (await Container.create(module_of(A, Child, provide("P", use_value="pv")))).get(Child)

    assert child.p == "pv"
    assert isinstance(child.a, A)


class Narcissus:
    def __init__(self, other: "Narcissus") -> None: ...


@case("DI-15")
async def test_a_class_that_needs_itself() -> None:
    message = await refusal(module_of(Narcissus))

    assert message.startswith("Cannot resolve the dependencies of Narcissus (?).")
    assert "reason:    Narcissus depends on itself" in message
