"""Annotations that are text at run time: names of the module, of a function, and of a class body."""

from __future__ import annotations

from typing import Annotated

from cqrs_nest.common import DynamicModule, Inject, InjectionToken, Module, provide
from cqrs_nest.core import Container

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
