"""Providers that live in a request."""

import asyncio
from typing import Annotated, Any

import pytest
from injector import Injector

from cqrs_nest.common import (
    APP_GUARD,
    INQUIRER,
    REQUEST,
    Controller,
    DynamicModule,
    Get,
    Inject,
    Injectable,
    InjectionToken,
    Module,
    Param,
    Scope,
    UseGuards,
    UseInterceptors,
    provide,
)
from cqrs_nest.core import Container, ProviderScopeError, RequestScope, current_request_scope

CONNECTION = InjectionToken[object]("CONNECTION")


@Injectable(scope=Scope.REQUEST)
class Caller:
    def __init__(self, request: Annotated[str, Inject(REQUEST)]) -> None:
        self.name = request


class Clock: ...


@Module(providers=[Caller, Clock], exports=[Caller, Clock])
class IdentityModule: ...


class Audit:
    def __init__(self, caller: Caller, clock: Clock) -> None:
        self.caller, self.clock = caller, clock


@Module(imports=[IdentityModule], providers=[Audit], exports=[Audit])
class AuditModule: ...


class Orders:
    def __init__(self, caller: Caller, audit: Audit, clock: Clock) -> None:
        self.caller, self.audit, self.clock = caller, audit, clock


@Module(imports=[IdentityModule, AuditModule], providers=[Orders])
class OrderModule: ...


async def open_connection(caller: Caller) -> list[str]:
    await asyncio.sleep(0)
    return [caller.name]


class Report:
    def __init__(self, connection: Annotated[list[str], Inject(CONNECTION)], orders: Orders) -> None:
        self.connection, self.orders = connection, orders


class Summary:
    def __init__(self, connection: Annotated[list[str], Inject(CONNECTION)], report: Report) -> None:
        self.connection, self.report = connection, report


@Module(
    imports=[IdentityModule, AuditModule],
    providers=[Orders, Report, Summary, provide(CONNECTION, use_factory=open_connection, inject=[Caller])],
)
class ReportModule: ...


def binding_of(container: Container, token: Any) -> Any:
    return next(binding for binding in container.modules[0].bindings() if binding.token is token)


async def test_200_concurrent_requests_see_only_themselves() -> None:
    container = await Container.create(OrderModule)
    all_started = asyncio.Barrier(200)

    async def request(number: int) -> tuple[Orders, Audit]:
        scope = RequestScope(f"caller {number}")
        audit = await container.select(AuditModule).resolve(Audit, scope)
        await all_started.wait()
        return await container.resolve(Orders, scope), audit

    async with asyncio.timeout(30):
        results = await asyncio.gather(*(request(number) for number in range(200)))

    for number, (orders, audit) in enumerate(results):
        assert orders.caller.name == f"caller {number}"
        assert orders.audit is audit
        assert audit.caller is orders.caller
        assert orders.clock is audit.clock
    assert len({id(orders.caller) for orders, _ in results}) == 200
    assert {orders.clock for orders, _ in results} == {container.get(Clock)}


async def test_200_concurrent_requests_with_an_async_factory() -> None:
    container = await Container.create(ReportModule)

    async def request(number: int) -> tuple[int, Summary, Report]:
        scope = RequestScope(f"caller {number}")
        summary, report = await asyncio.gather(
            container.resolve(Summary, scope), container.resolve(Report, scope)
        )
        return number, summary, report

    for number, summary, report in await asyncio.gather(*(request(number) for number in range(200))):
        assert report.connection == [f"caller {number}"]
        assert summary.report is report
        assert summary.connection is report.connection


async def test_what_needs_an_async_factory_is_built_by_awaiting() -> None:
    container = await Container.create(ReportModule)

    assert binding_of(container, Report).is_async
    assert not binding_of(container, Orders).is_async
    assert not binding_of(container, Report).is_static
    assert (await binding_of(container, Report).build(RequestScope("me"))).orders.caller.name == "me"


async def test_a_failed_async_factory_is_tried_again() -> None:
    attempts: list[str] = []

    async def connect(caller: Caller) -> str:
        attempts.append(caller.name)
        await asyncio.sleep(0)
        if len(attempts) == 1:
            raise ConnectionError("refused")
        return "connected"

    root = DynamicModule(
        type("App", (), {}),
        imports=[IdentityModule],
        providers=[provide(CONNECTION, use_factory=connect, inject=[Caller])],
    )
    container = await Container.create(root)
    scope = RequestScope("me")

    for resolving in await asyncio.gather(
        container.resolve(CONNECTION, scope), container.resolve(CONNECTION, scope), return_exceptions=True
    ):
        assert isinstance(resolving, ConnectionError)
    assert await container.resolve(CONNECTION, scope) == "connected"
    assert attempts == ["me", "me"]


async def test_an_abandoned_request_does_not_spoil_a_shared_factory() -> None:
    opened = asyncio.Event()

    async def connect() -> str:
        await opened.wait()
        return "connected"

    root = DynamicModule(
        type("App", (), {}),
        providers=[provide(CONNECTION, use_factory=connect, scope=Scope.REQUEST)],
    )
    container = await Container.create(root)
    scope = RequestScope()
    abandoned = asyncio.create_task(container.resolve(CONNECTION, scope))
    patient = asyncio.create_task(container.resolve(CONNECTION, scope))
    await asyncio.sleep(0)

    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    opened.set()

    assert await patient == "connected"


async def test_the_injector_is_never_asked_in_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    container = await Container.create(ReportModule)
    calls: list[object] = []
    original = Injector.get

    def counted(self: Injector, interface: Any, scope: Any = None) -> Any:
        calls.append(interface)
        return original(self, interface, scope)

    monkeypatch.setattr(Injector, "get", counted)
    for token in (Orders, Report, Summary, Clock):
        await container.resolve(token, RequestScope("me"))

    assert calls == []
    injector = container.select(ReportModule).injector
    reset = current_request_scope.set(RequestScope("me"))
    try:
        assert injector.get(Orders).caller.name == "me"
    finally:
        current_request_scope.reset(reset)
    assert calls == [Orders]


class RequestGuard:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def can_activate(self, context: object) -> bool:
        return True


class PlainInterceptor:
    async def intercept(self, context: object, next: Any) -> Any:
        return await next.handle()


class PlainPipe:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def transform(self, value: Any, metadata: object) -> Any:
        return value


READY = PlainInterceptor()


@Controller("guarded")
class GuardedController:
    @Get()
    @UseGuards(RequestGuard)
    async def guarded(self) -> None: ...


@Controller("plain")
@UseInterceptors(PlainInterceptor, READY)
class PlainController:
    @Get(":id")
    async def plain(self, id: Annotated[str, Param("id", PlainPipe)]) -> None: ...


class InheritingController(GuardedController): ...


@Module(
    imports=[IdentityModule],
    controllers=[GuardedController, PlainController, InheritingController],
    providers=[provide(APP_GUARD, use_class=RequestGuard), provide(APP_GUARD, use_existing=RequestGuard)],
)
class WebModule:
    pass


async def test_enhancers_are_bound_in_the_module_of_their_controller() -> None:
    root = DynamicModule(WebModule, providers=[RequestGuard])
    container = await Container.create(root)
    module = container.modules[0]
    scope = RequestScope("me")

    assert [controller.is_static for controller in module.controllers] == [False, True, False]
    guard = container.enhancer(RequestGuard, module)
    assert guard.build(scope) is guard.build(scope)
    assert guard.build(scope).caller.name == "me"
    assert container.enhancer(PlainPipe, module).instance.clock is container.get(Clock)
    assert container.enhancer(READY, module).instance is READY
    assert isinstance(container.enhancer(PlainInterceptor, module).instance, PlainInterceptor)
    assert container.get(PlainInterceptor) is container.enhancer(PlainInterceptor, module).instance


async def test_every_app_enhancer_counts_and_the_roots_come_first() -> None:
    class InnerGuard:
        def can_activate(self, context: object) -> bool:
            return True

    @Module(providers=[provide(APP_GUARD, use_class=InnerGuard)])
    class Inner: ...

    root = DynamicModule(WebModule, imports=[Inner], providers=[RequestGuard])
    container = await Container.create(root)
    guards = container.app_enhancers(APP_GUARD)

    assert [guard.cls for guard in guards] == [RequestGuard, RequestGuard, InnerGuard]
    assert [guard.is_static for guard in guards] == [False, False, True]
    assert guards[1].token is RequestGuard


async def test_transient_providers_of_a_request_scoped_consumer_live_in_the_request() -> None:
    @Injectable(scope=Scope.TRANSIENT)
    class Prefix:
        def __init__(self, inquirer: Annotated[object, Inject(INQUIRER)]) -> None:
            self.inquirer = inquirer

    class Handler:
        def __init__(self, prefix: Prefix, caller: Caller) -> None:
            self.prefix, self.caller = prefix, caller

    class Other:
        def __init__(self, prefix: Prefix, caller: Caller) -> None:
            self.prefix = prefix

    root = DynamicModule(type("App", (), {}), imports=[IdentityModule], providers=[Prefix, Handler, Other])
    container = await Container.create(root)
    scope = RequestScope("me")
    handler, other = await container.resolve(Handler, scope), await container.resolve(Other, scope)

    assert handler.prefix.inquirer is handler
    assert other.prefix is not handler.prefix
    assert handler is await container.resolve(Handler, scope)
    assert (await container.resolve(Handler, RequestScope("you"))).prefix is not handler.prefix


async def test_request_scope_bubbles_through_a_transient_provider() -> None:
    @Injectable(scope=Scope.TRANSIENT)
    class Between:
        def __init__(self, caller: Caller) -> None:
            self.caller = caller

    class Top:
        def __init__(self, between: Between) -> None:
            self.between = between

    root = DynamicModule(type("App", (), {}), imports=[IdentityModule], providers=[Between, Top])
    container = await Container.create(root)
    scope = RequestScope("request")

    with pytest.raises(ProviderScopeError, match="REQUEST"):
        container.get(Top)
    top = await container.resolve(Top, scope)
    assert top.between.caller is await container.resolve(Caller, scope)
    assert top is not await container.resolve(Top, RequestScope("other"))


class Both:
    def __init__(
        self, first: Annotated[str, Inject("first")], second: Annotated[str, Inject("second")]
    ) -> None:
        self.given = (first, second)


def both_from(first: Any, second: Any) -> DynamicModule:
    factories = [
        provide("first", use_factory=first, scope=Scope.REQUEST),
        provide("second", use_factory=second, scope=Scope.REQUEST),
    ]
    return DynamicModule(type("App", (), {}), providers=[*factories, Both])


async def test_independent_async_factories_of_a_request_run_together() -> None:
    second_has_run = asyncio.Event()

    async def first() -> str:
        await second_has_run.wait()
        return "first"

    async def second() -> str:
        second_has_run.set()
        return "second"

    async with asyncio.timeout(10):
        container = await Container.create(both_from(first, second))
        assert (await container.resolve(Both)).given == ("first", "second")


async def test_a_failed_factory_fails_everyone_in_the_request_who_waits_for_it() -> None:
    may_fail, may_end = asyncio.Event(), asyncio.Event()

    async def first() -> str:
        await may_end.wait()
        return "first"

    async def second() -> str:
        await may_fail.wait()
        raise ConnectionError("no database")

    container: Any = await Container.create(both_from(first, second))
    scope = RequestScope()
    async with asyncio.timeout(10):
        alone = asyncio.create_task(container.resolve("second", scope))
        both = [asyncio.create_task(container.resolve(Both, scope)) for _ in range(2)]
        await asyncio.sleep(0)
        may_fail.set()
        with pytest.raises(ConnectionError):
            await alone
        may_end.set()
        for each in both:
            with pytest.raises(ConnectionError, match="no database"):
                await each
