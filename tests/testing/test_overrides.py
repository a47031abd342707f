"""Replacing parts of an application, seen from HTTP and from the container."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from cqrs_nest.common import (
    APP_GUARD,
    ArgumentMetadata,
    ArgumentsHost,
    CallHandler,
    Catch,
    Controller,
    DynamicModule,
    ExecutionContext,
    Get,
    Module,
    Param,
    Scope,
    UseFilters,
    UseGuards,
    UseInterceptors,
    UsePipes,
    provide,
)
from cqrs_nest.config import ConfigModule, ConfigService, Environment
from cqrs_nest.context import Auth
from cqrs_nest.core import LazyModuleLoader, UnknownProviderError
from cqrs_nest.testing import Test, TestingModule, TestingModuleBuilder


class Guard:
    def can_activate(self, context: ExecutionContext) -> bool:
        return False


class AppGuard(Guard): ...


class Interceptor:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return f"real {await next.handle()}"


class RoutePipe:
    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        return f"route-{value}"


class ParameterPipe:
    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        return f"parameter-{value}"


@Catch(LookupError)
class Filter:
    def catch(self, exception: Any, host: ArgumentsHost) -> Response:
        return JSONResponse("real", 404)


@Controller("cats")
@UseGuards(Guard)
@UseFilters(Filter)
class CatController:
    @Get("lost")
    async def lost(self) -> None:
        raise LookupError

    @Get(":name")
    @UseInterceptors(Interceptor)
    @UsePipes(RoutePipe)
    async def find(self, name: Annotated[str, Param("name", ParameterPipe)]) -> str:
        return name


@Module(controllers=[CatController], providers=[provide(APP_GUARD, use_class=AppGuard)])
class CatModule: ...


class Allow:
    def can_activate(self, context: ExecutionContext) -> bool:
        return True


class Same:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return await next.handle()

    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        return value


class FakeFilter:
    def catch(self, exception: Any, host: ArgumentsHost) -> Response:
        return JSONResponse("fake", 410)


@asynccontextmanager
async def client_of(module: TestingModule) -> AsyncIterator[httpx.AsyncClient]:
    application = await module.create_application()
    await application.initialize()
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def open_cats() -> TestingModuleBuilder:
    builder = Test.create_testing_module(imports=[CatModule])
    builder.override_guard(AppGuard).use_class(Allow)
    return builder.override_guard(Guard).use_value(Allow())


def without_interceptor(builder: TestingModuleBuilder) -> None:
    builder.override_interceptor(Interceptor).use_class(Same)


def without_route_pipe(builder: TestingModuleBuilder) -> None:
    builder.override_pipe(RoutePipe).use_class(Same)


def without_parameter_pipe(builder: TestingModuleBuilder) -> None:
    builder.override_pipe(ParameterPipe).use_factory(Same)


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        (lambda builder: None, "real parameter-route-tom"),
        (without_interceptor, "parameter-route-tom"),
        (without_route_pipe, "real parameter-tom"),
        (without_parameter_pipe, "real route-tom"),
    ],
)
async def test_enhancers_are_replaced_one_by_one(
    override: Callable[[TestingModuleBuilder], None], answer: str
) -> None:
    builder = open_cats()
    override(builder)

    async with await builder.compile() as module, client_of(module) as client:
        assert (await client.get("/cats/tom")).text == answer


@pytest.mark.parametrize("guard", [Guard, AppGuard])
async def test_a_guard_that_is_not_replaced_refuses(guard: type[Any]) -> None:
    builder = Test.create_testing_module(imports=[CatModule])
    builder.override_guard(guard).use_class(Allow)

    async with await builder.compile() as module, client_of(module) as client:
        assert (await client.get("/cats/tom")).status_code == 403


async def test_a_filter_is_replaced() -> None:
    builder = open_cats()
    async with await builder.compile() as module, client_of(module) as client:
        assert (await client.get("/cats/lost")).status_code == 404

    builder.override_filter(Filter).use_value(FakeFilter())
    async with await builder.compile() as module, client_of(module) as client:
        assert (await client.get("/cats/lost")).json() == "fake"


class Store:
    def name(self) -> str:
        return "real"


class Reader:
    def __init__(self, store: Store) -> None:
        self.store = store


class Fake(Store):
    def __init__(self, environment: Environment) -> None:
        self.app_name = environment.app_name

    def name(self) -> str:
        return f"fake of {self.app_name}"


async def test_a_replacement_may_be_async_injected_and_of_another_scope() -> None:
    async def make(environment: Environment) -> Fake:
        return Fake(environment)

    for builder in (
        Test.create_testing_module(providers=[Store, Reader]).override_provider(Store).use_factory(make),
        Test.create_testing_module(providers=[Store, Reader]).override_provider(Store).use_class(Fake),
    ):
        async with await builder.compile() as module:
            assert module.get(Reader).store.name() == "fake of test"

    builder = Test.create_testing_module(providers=[Store, Reader])
    builder.override_provider(Store).use_class(Fake, scope=Scope.REQUEST)
    async with await builder.compile() as module:
        assert await module.resolve(Reader) is not await module.resolve(Reader)


async def test_one_registration_is_replaced_by_its_object() -> None:
    first, second = DynamicModule(CatModule), DynamicModule(CatModule)
    other = DynamicModule(type("Other", (), {}), providers=[Store])
    builder = Test.create_testing_module(imports=[first, second])

    async with await builder.override_module(first).use_module(other).compile() as module:
        assert [node.name for node in module.container.modules[2:4]] == ["Other", "CatModule"]


async def test_settings_come_from_the_test_or_the_application_or_are_those_of_a_local_one() -> None:
    class Own(Environment):
        greeting: str = "hello"

    own = Own(node_env="local", app_name="own")
    configured = ConfigModule.for_root(own)
    given = Environment(node_env="stg", app_name="given")

    async with await Test.create_testing_module().compile() as module:
        assert module.get(Environment).app_name == "test"
    async with await Test.create_testing_module(imports=[configured]).compile() as module:
        assert module.get(Environment) is own
        assert module.get(ConfigService[Own]).env.greeting == "hello"
    async with await Test.create_testing_module(env=given, providers=[Fake]).compile() as module:
        assert module.get(Fake).app_name == "given"


async def test_the_routes_of_a_module_can_be_tested_with_their_own_guards() -> None:
    @Controller("secret")
    class SecretController:
        @Get()
        @Auth()
        async def tell(self) -> str:
            return "secret"

    async with (
        await Test.create_testing_module(controllers=[SecretController]).compile() as module,
        client_of(module) as client,
    ):
        assert (await client.get("/secret")).status_code == 401


async def test_leaving_the_block_closes_the_module() -> None:
    closed: list[str] = []

    class Connection:
        async def on_module_destroy(self) -> None:
            closed.append("connection")

    async with await Test.create_testing_module(providers=[Connection]).compile() as module:
        with pytest.raises(UnknownProviderError):
            module.get(Store)
        assert closed == []
    assert closed == ["connection"]


async def test_what_is_replaced_later_changes_nothing_in_a_built_module() -> None:
    @Module(providers=[Store])
    class Later: ...

    builder = Test.create_testing_module(providers=[Store])
    async with await builder.compile() as first:
        async with await builder.override_provider(Store).use_class(Fake).compile() as second:
            assert type(second.get(Store)) is Fake
        lazy = await first.get(LazyModuleLoader).load(Later)

        assert type(first.get(Store)) is type(lazy.get(Store)) is Store


async def test_a_provider_may_be_replaced_by_another_one() -> None:
    builder = Test.create_testing_module(providers=[Store, Reader, Fake])
    async with await builder.override_provider(Store).use_existing(Fake).compile() as module:
        assert module.get(Reader).store is module.get(Fake)


async def test_a_replaced_module_is_selected_by_the_original() -> None:
    @Module(providers=[Store])
    class Data: ...

    @Module(providers=[provide(Store, use_class=Fake)])
    class FakeData: ...

    builder = Test.create_testing_module(imports=[Data])
    async with await builder.override_module(Data).use_module(FakeData).compile() as module:
        assert type(module.container.select(Data).get(Store)) is Fake
