"""How long instances live."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest

from cqrs_nest.common import (
    INQUIRER,
    REQUEST,
    Controller,
    ExecutionContext,
    ForbiddenException,
    Get,
    Inject,
    Injectable,
    Module,
    Scope,
    UseGuards,
)
from cqrs_nest.core import Container, ProviderScopeError, RequestScope
from cqrs_nest.testing import Test

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
            f"{token.__name__} of App is REQUEST-scoped: there is one per request, so get() cannot choose. "
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


@asynccontextmanager
async def client_of(root: type[Any]) -> AsyncIterator[httpx.AsyncClient]:
    async with await Test.create_testing_module(imports=[root]).compile() as module:
        application = await module.create_application()
        await application.initialize()
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


@case("SCO-04")
async def test_a_request_scoped_controller_is_built_for_each_request() -> None:
    built: list[str] = []

    @Injectable(scope=Scope.REQUEST)
    class R:
        def __init__(self) -> None:
            built.append("R")
            self.number = built.count("R")

    class S:
        def __init__(self, r: R) -> None:
            self.r = r

    @Controller("it")
    class CountingController:
        def __init__(self, s: S, r: R) -> None:
            built.append("controller")
            self.number, self.s, self.r = built.count("controller"), s, r

        @Get()
        async def get(self) -> dict[str, object]:
            return {"ctl": self.number, "r": self.r.number, "shared": self.s.r is self.r}

    @Module(controllers=[CountingController], providers=[R, S])
    class App: ...

    async with client_of(App) as client:
        assert built == []
        assert (await client.get("/it")).json() == {"ctl": 1, "r": 1, "shared": True}
        assert (await client.get("/it")).json() == {"ctl": 2, "r": 2, "shared": True}


@case("SCO-06")
async def test_guard_service_and_controller_share_the_request() -> None:
    @Injectable(scope=Scope.REQUEST)
    class R:
        count = 0

        def __init__(self) -> None:
            type(self).count += 1
            self.number = self.count
            self.seen_by_guard = 0

    @Module(providers=[R], exports=[R])
    class RModule: ...

    class S1:
        def __init__(self, r: R) -> None:
            self.r = r

    @Module(imports=[RModule], providers=[S1], exports=[S1])
    class ServiceModule: ...

    class Guard:
        def __init__(self, r: R) -> None:
            self.r = r

        def can_activate(self, context: ExecutionContext) -> bool:
            self.r.seen_by_guard = self.r.number
            return True

    @Controller("it")
    class SharingController:
        def __init__(self, s1: S1, r: R) -> None:
            self.s1, self.r = s1, r

        @Get()
        @UseGuards(Guard)
        async def get(self) -> dict[str, int]:
            return {"s": self.s1.r.number, "r": self.r.number, "g": self.s1.r.seen_by_guard}

    @Module(imports=[RModule, ServiceModule], controllers=[SharingController])
    class App: ...

    async with client_of(App) as client:
        answers = [(await client.get("/it")).json() for _ in range(2)]

    assert answers == [{"s": 1, "r": 1, "g": 1}, {"s": 2, "r": 2, "g": 2}]


@case("SCO-07")
async def test_an_exception_of_a_request_scoped_constructor_is_answered_as_it_is() -> None:
    @Injectable(scope=Scope.REQUEST)
    class Refusing:
        def __init__(self) -> None:
            raise ForbiddenException("ctor")

    @Controller("it")
    class RefusedController:
        def __init__(self, refusing: Refusing) -> None: ...

        @Get()
        async def get(self) -> None: ...

    @Module(controllers=[RefusedController], providers=[Refusing])
    class App: ...

    async with client_of(App) as client:
        answer = await client.get("/it")

    assert answer.status_code == 403
    assert answer.json() == {"message": "ctor", "error": "Forbidden", "statusCode": 403}
