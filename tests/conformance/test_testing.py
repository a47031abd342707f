"""What tests can replace."""

from typing import Annotated, Any

import httpx
import pytest

from cqrs_nest.common import (
    Controller,
    ExecutionContext,
    Get,
    Inject,
    InjectionToken,
    Module,
    UseGuards,
    provide,
)
from cqrs_nest.core import UnknownProviderError, UnresolvedDependencyError
from cqrs_nest.testing import Test

case = pytest.mark.case


class Db:
    built = 0

    def __init__(self) -> None:
        type(self).built += 1

    def name(self) -> str:
        return "real"


class FakeDb(Db):
    def name(self) -> str:
        return "fake"


class Repo:
    def __init__(self, db: Db) -> None:
        self.db = db


@Module(providers=[Db, Repo], exports=[Repo])
class DataModule: ...


class Svc:
    def __init__(self, repo: Repo) -> None:
        self.repo = repo


@Module(imports=[DataModule], providers=[Svc])
class AppModule: ...


class DenyingGuard:
    def can_activate(self, context: ExecutionContext) -> bool:
        return False


class AllowingGuard:
    def can_activate(self, context: ExecutionContext) -> bool:
        return True


@Controller("db")
class DbController:
    def __init__(self, svc: Svc) -> None:
        self.svc = svc

    @Get()
    @UseGuards(DenyingGuard)
    async def name(self) -> str:
        return self.svc.repo.db.name()


@case("TST-01")
async def test_private_providers_and_guards_are_replaced_deep_down() -> None:
    web = Module(imports=[AppModule, DataModule], controllers=[DbController], providers=[Svc])(
        type("WebModule", (), {})
    )
    builder = Test.create_testing_module(imports=[web])
    builder.override_provider(Db).use_value(FakeDb())
    builder.override_guard(DenyingGuard).use_class(AllowingGuard)

    async with await builder.compile() as module:
        application = await module.create_application()
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/db")

        assert (answer.status_code, answer.text) == (200, "fake")
        assert module.get(Db).name() == "fake"
        with pytest.raises(UnknownProviderError, match="Db is not a provider of RootTestModule itself"):
            module.get(Db, strict=True)


@case("TST-09")
async def test_the_start_hooks_of_a_test_run_when_it_says_so() -> None:
    calls: list[str] = []

    class Hooked:
        def on_module_init(self) -> None:
            calls.append("init")

    async with await Test.create_testing_module(providers=[Hooked]).compile() as module:
        application = await module.create_application()
        assert calls == []
        await application.initialize()
        assert calls == ["init"]


class Extra: ...


class RepoWithExtra:
    def __init__(self, extra: Extra) -> None: ...


@case("TST-03")
async def test_a_replacement_is_built_in_the_module_of_the_original() -> None:
    builder = Test.create_testing_module(imports=[AppModule], providers=[Extra])

    with pytest.raises(UnresolvedDependencyError) as raised:
        await builder.override_provider(Repo).use_class(RepoWithExtra).compile()

    message = str(raised.value)
    assert message.startswith("Cannot resolve the dependencies of RepoWithExtra (?).")
    assert "module:    DataModule (RootTestModule -> AppModule -> DataModule)" in message
    assert "RootTestModule provides it but does not export it" in message


@case("TST-04")
async def test_every_occurrence_is_replaced_and_the_last_override_wins() -> None:
    @Module(providers=[Db])
    class First: ...

    @Module(providers=[Db])
    class Second: ...

    unknown = InjectionToken[str]("UNKNOWN")
    before = Db.built
    builder = Test.create_testing_module(imports=[First, Second])
    builder.override_provider(Db).use_value("first")
    builder.override_provider(Db).use_value("fake")
    builder.override_provider(unknown).use_value("nobody asks")

    async with await builder.compile() as module:
        assert module.container.get_all(Db) == ["fake", "fake"]
        with pytest.raises(UnknownProviderError, match="UNKNOWN"):
            module.get(unknown)
    assert Db.built == before


@case("TST-06")
async def test_a_module_is_replaced_for_all_its_importers() -> None:
    class FakeRepo:
        db = "from the fake module"

    @Module(providers=[provide(Repo, use_class=FakeRepo)], exports=[Repo])
    class FakeData: ...

    builder = Test.create_testing_module(imports=[AppModule])

    async with await builder.override_module(DataModule).use_module(FakeData).compile() as module:
        assert module.get(Svc).repo.db == "from the fake module"
        with pytest.raises(UnknownProviderError):
            module.get(Db)


@case("TST-07")
async def test_the_mocker_is_asked_for_what_nobody_provides() -> None:
    asked: list[Any] = []
    mock = object()

    class Reader:
        def __init__(
            self, t: Annotated[object, Inject("T")], o: Annotated[object, Inject("O", optional=True)]
        ) -> None:
            self.seen = [t, o]

    def mocker(token: Any) -> object:
        asked.append(token)
        return mock

    builder = Test.create_testing_module(providers=[Svc, Reader])
    async with await builder.use_mocker(mocker).compile() as module:
        assert asked == [Repo, "T", "O"]
        assert module.get(Svc).repo is mock
        assert module.get(Reader).seen == [mock, mock]
        assert module.get(Repo) is mock

    silent = Test.create_testing_module(providers=[Svc]).use_mocker(lambda token: None)
    with pytest.raises(UnresolvedDependencyError, match=r"Svc \(\?\)(.|\n)*module:    RootTestModule"):
        await silent.compile()


@case("TST-10")
async def test_testing_modules_share_nothing() -> None:
    first = await Test.create_testing_module(imports=[AppModule]).compile()
    builder = Test.create_testing_module(imports=[AppModule]).override_provider(Db).use_class(FakeDb)
    second = await builder.compile()
    third = await Test.create_testing_module(imports=[AppModule]).compile()

    assert len({id(module.get(Svc)) for module in (first, second, third)}) == 3
    assert [module.get(Svc).repo.db.name() for module in (first, second, third)] == ["real", "fake", "real"]


async def test_the_mocker_is_not_asked_where_a_default_will_do() -> None:
    asked: list[Any] = []

    class Paged:
        def __init__(self, size: int = 20, name: str | None = None) -> None:
            self.size = size

    builder = Test.create_testing_module(providers=[Paged]).use_mocker(asked.append)
    async with await builder.compile() as module:
        assert module.get(Paged).size == 20
    assert asked == [str]
