"""Modules that are made by `register(...)`."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import pytest

from cqrs_nest.common import DynamicModule, Inject, InjectionToken, Module, provide
from cqrs_nest.core import ConfigurableModule, Container, StartCancelledError

case = pytest.mark.case

OPTIONS = InjectionToken[str]("OPTIONS")


class Service:
    def __init__(self, options: Annotated[str | None, Inject(OPTIONS)]) -> None:
        self.options = options


@Module(providers=[Service], exports=[Service])
class Dyn:
    @staticmethod
    def register(options: str) -> DynamicModule:
        return DynamicModule(Dyn, providers=[provide(OPTIONS, use_value=options)])


class Consumer:
    def __init__(self, service: Service) -> None:
        self.service = service


@case("MOD-17")
async def test_each_registration_is_a_module_of_its_own() -> None:
    @Module(imports=[Dyn.register("a")], providers=[Consumer])
    class F1: ...

    @Module(imports=[Dyn.register("b")], providers=[Consumer])
    class F2: ...

    @Module(imports=[F1, F2])
    class App: ...

    container = await Container.create(App)

    seen = [container.select(feature).get(Consumer).service.options for feature in (F1, F2)]
    assert seen == ["a", "b"]


async def test_equal_options_do_not_make_registrations_one_but_one_object_is_one() -> None:
    shared = Dyn.register("x")
    first = Module(imports=[shared])(type("F1", (), {}))
    second = Module(imports=[shared])(type("F2", (), {}))
    root = DynamicModule(type("App", (), {}), imports=[first, second, Dyn.register("x")])

    container = await Container.create(root)

    assert len(container.get_all(Service)) == 2


@case("MOD-19")
async def test_of_two_registrations_the_first_is_injected_and_the_last_is_got() -> None:
    @Module(imports=[Dyn.register("first"), Dyn.register("second")], providers=[Consumer])
    class App: ...

    container = await Container.create(App)

    assert container.get(Consumer).service.options == "first"
    assert container.get(Service).options == "second"
    assert [service.options for service in container.get_all(Service)] == ["first", "second"]


@case("MOD-20")
async def test_the_bare_class_is_a_module_next_to_its_registrations() -> None:
    @Module(imports=[Dyn])
    class Elsewhere: ...

    @Module(imports=[Dyn.register("x"), Elsewhere])
    class App: ...

    container = await Container.create(App)

    assert [service.options for service in container.get_all(Service)] == ["x", None]


@case("MOD-22")
async def test_a_registration_extends_the_decorator_and_wins_for_equal_tokens() -> None:
    class Reader:
        def __init__(self, a: Annotated[str, Inject("A")], b: Annotated[str, Inject("B")]) -> None:
            self.seen = [a, b]

    @Module(providers=[provide("A", use_value="a")], exports=["A"])
    class Extended: ...

    extended = DynamicModule(
        Extended, providers=[provide("B", use_value="b"), provide("A", use_value="dyn")], exports=["B"]
    )

    @Module(imports=[extended], providers=[Reader])
    class App: ...

    assert (await Container.create(App)).get(Reader).seen == ["dyn", "b"]


@case("MOD-23")
async def test_an_awaitable_among_the_imports_is_awaited() -> None:
    async def register() -> DynamicModule:
        await asyncio.sleep(0)
        return Dyn.register("later")

    @Module(imports=[register()], providers=[Consumer])
    class App: ...

    for _ in range(2):
        container = await Container.create(App)
        assert container.get(Consumer).service.options == "later"


@dataclass
class MailOptions:
    sender: str


class Mailer:
    def __init__(self, options: MailOptions) -> None:
        self.sender = options.sender


@Module(providers=[Mailer], exports=[Mailer])
class MailModule(ConfigurableModule[MailOptions]): ...


class Settings:
    sender = "settings"


@Module(providers=[Settings], exports=[Settings])
class SettingsModule: ...


class MailSettings:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def create(self) -> MailOptions:
        return MailOptions(self.settings.sender)


@Module(providers=[Settings, MailSettings], exports=[MailSettings])
class MailSettingsModule: ...


async def options_of(settings: Settings) -> MailOptions:
    await asyncio.sleep(0)
    return MailOptions(settings.sender)


@case("MOD-25")
@pytest.mark.parametrize(
    ("module", "sender"),
    [
        (MailModule.register(MailOptions("direct")), "direct"),
        (MailModule.register_async(use_factory=lambda: MailOptions("made")), "made"),
        (
            MailModule.register_async(use_factory=options_of, inject=[Settings], imports=[SettingsModule]),
            "settings",
        ),
        (MailModule.register_async(use_class=MailSettings, imports=[SettingsModule]), "settings"),
        (MailModule.register_async(use_existing=MailSettings, imports=[MailSettingsModule]), "settings"),
    ],
    ids=["register", "factory", "async factory", "class", "existing"],
)
async def test_options_arrive_in_every_form(module: DynamicModule, sender: str) -> None:
    container = await Container.create(module)

    assert container.get(Mailer).sender == sender


async def test_exporting_the_class_passes_on_every_registration() -> None:
    class Values: ...

    def value(token: str) -> DynamicModule:
        return DynamicModule(Values, providers=[provide(token, use_value=token)], exports=[token])

    @Module(imports=[value("x"), value("y")], exports=[Values])
    class Between: ...

    both = provide("both", use_factory=lambda x, y: x + y, inject=["x", "y"])
    root = DynamicModule(type("App", (), {}), imports=[Between], providers=[both])
    container = await Container.create(root)

    assert container.modules[0].own["both"].instance == "xy"


class Newsletter:
    def __init__(self, mailer: Mailer) -> None:
        self.sender = mailer.sender


@pytest.mark.parametrize(
    "mail",
    [
        MailModule.register(MailOptions("a@b.c"), is_global=True),
        MailModule.register_async(use_factory=lambda: MailOptions("a@b.c"), is_global=True),
    ],
)
async def test_a_registration_may_be_global(mail: DynamicModule) -> None:
    @Module(providers=[Newsletter])
    class Feature: ...

    container = await Container.create(DynamicModule(type("App", (), {}), imports=[mail, Feature]))

    assert container.get(Newsletter).sender == "a@b.c"


async def test_applications_may_wait_for_one_async_registration_together() -> None:
    async def register() -> DynamicModule:
        await asyncio.sleep(0)
        return MailModule.register(MailOptions("a@b.c"))

    root = DynamicModule(type("App", (), {}), imports=[register()])
    first, second = await asyncio.gather(Container.create(root), Container.create(root))

    assert first.get(Mailer).sender == second.get(Mailer).sender == "a@b.c"
    assert first.get(Mailer) is not second.get(Mailer)


async def test_an_async_registration_that_failed_says_why_each_time() -> None:
    async def register() -> DynamicModule:
        raise ConnectionError("no parameters")

    root = DynamicModule(type("App", (), {}), imports=[register()])

    for _ in range(2):
        with pytest.raises(ConnectionError, match="no parameters"):
            await Container.create(root)


async def test_an_async_registration_that_was_cancelled_is_not_waited_for_again() -> None:
    async def register() -> DynamicModule:
        return await asyncio.Future()

    root = DynamicModule(type("App", (), {}), imports=[register()])
    first, second = (asyncio.create_task(Container.create(root)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(StartCancelledError, match="while it waited for an import"):
        await second
