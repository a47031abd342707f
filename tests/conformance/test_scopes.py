"""How long instances live."""

from typing import Annotated

import pytest

from cqrs_nest.common import INQUIRER, REQUEST, Inject, Injectable, Module, Scope
from cqrs_nest.core import Container, ProviderScopeError, RequestScope

case = pytest.mark.case


@case("SCO-01")
async def test_request_scope_bubbles_up_to_every_consumer() -> None:
    built: list[str] = []

    @Injectable(scope=Scope.REQUEST)
    class R:
        def __init__(self, request: Annotated[object, Inject(REQUEST)]) -> None:
            built.append("R")
            self.request = request

    class Dep:
        def __init__(self, r: R) -> None:
            self.r = r

    class Top:
        def __init__(self, dep: Dep) -> None:
            self.dep = dep

    class Plain: ...

    @Module(providers=[R, Dep, Top, Plain])
    class App: ...

    container = await Container.create(App)

    assert built == []
    for token in (R, Top):
        with pytest.raises(ProviderScopeError) as refused:
            container.get(token)
        assert str(refused.value) == (
            f"{token.__name__} of App is REQUEST-scoped: it has no one instance that get() could give. "
            f"Use await resolve({token.__name__})."
        )
    assert await container.resolve(R) is not await container.resolve(R)
    scope = RequestScope("the request")
    top = await container.resolve(Top, scope)
    assert top is await container.resolve(Top, scope)
    assert top.dep.r is await container.resolve(R, scope)
    assert top.dep.r.request == "the request"
    assert await container.resolve(Plain) is container.get(Plain)


@case("SCO-03")
async def test_each_consumer_has_its_own_transient_providers() -> None:
    @Injectable(scope=Scope.TRANSIENT)
    class Inner:
        def __init__(self, inquirer: Annotated[object, Inject(INQUIRER)]) -> None:
            self.inquirer = inquirer

    @Injectable(scope=Scope.TRANSIENT)
    class Mid:
        def __init__(self, inner: Inner) -> None:
            self.inner = inner

    class C1:
        def __init__(self, mid: Mid, again: Mid) -> None:
            self.mid, self.again = mid, again

    class C2:
        def __init__(self, mid: Mid) -> None:
            self.mid = mid

    @Module(providers=[Inner, Mid, C1, C2])
    class App: ...

    container = await Container.create(App)
    first, second = container.get(C1), container.get(C2)

    assert first.mid is first.again
    assert first.mid is not second.mid
    assert first.mid.inner is not second.mid.inner
    assert first.mid.inner.inquirer is first.mid
    assert container.get(C1) is first
    assert await container.resolve(Mid) is not await container.resolve(Mid)
    scope = RequestScope()
    assert await container.resolve(Mid, scope) is await container.resolve(Mid, scope)
