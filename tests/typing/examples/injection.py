"""Injection: each line that ends in `# wrong` must be refused by both type checkers, and no other line."""

from typing import Protocol, assert_type

from cqrs_nest.common import (
    CanActivate,
    ExecutionContext,
    InjectionToken,
    Module,
    NestInterceptor,
    Reflector,
    UseGuards,
    UseInterceptors,
    provide,
)
from cqrs_nest.common.metadata import MetadataKey
from cqrs_nest.core import ConfigurableModule, ModuleRef
from cqrs_nest.cqrs import Behaviour, CqrsModule, LoggingBehaviour


class Clock(Protocol):
    def now(self) -> str: ...


class Noon:
    def now(self) -> str:
        return "noon"


class Wrong:
    def now(self) -> int:
        return 12


PAGE_SIZE = InjectionToken[int]("PAGE_SIZE")
CLOCK = InjectionToken[Clock]("CLOCK")
ROLES = MetadataKey[list[str]]("roles")


def make_size() -> int:
    return 20


def make_text() -> str:
    return "20"


async def make_later() -> int:
    return 20


provide(PAGE_SIZE, use_value=20)
provide(PAGE_SIZE, use_value="20")  # wrong
provide(PAGE_SIZE, use_factory=make_size)
provide(PAGE_SIZE, use_factory=make_later)
provide(PAGE_SIZE, use_factory=make_text)  # wrong
provide(CLOCK, use_class=Noon)
provide(CLOCK, use_class=Wrong)  # wrong
provide(Clock, use_class=Noon)


def get(module_ref: ModuleRef, reflector: Reflector) -> None:
    assert_type(module_ref.get(PAGE_SIZE), int)
    assert_type(module_ref.get(Noon), Noon)
    assert_type(module_ref.get(Clock), Clock)
    module_ref.get("PAGE_SIZE")  # wrong
    text: str = module_ref.get(PAGE_SIZE)  # wrong
    roles: list[int] | None = reflector.get(ROLES, Noon)  # wrong
    print(text, roles)


class Guard:
    async def can_activate(self, context: ExecutionContext) -> bool:
        return True


class WrongGuard:
    async def can_activate(self, context: int) -> bool:
        return True


guard: CanActivate = Guard()
wrong_guard: CanActivate = WrongGuard()  # wrong
interceptor: NestInterceptor = Guard()  # wrong


@UseGuards(Guard)
@UseInterceptors(Guard)  # wrong
class Guarded: ...


@UseGuards(WrongGuard)  # wrong
class WronglyGuarded: ...


class MailOptions:
    sender = ""


@Module()
class MailModule(ConfigurableModule[MailOptions]): ...


MailModule.register(MailOptions())
MailModule.register(Noon())  # wrong
MailModule.register_async(use_factory=MailOptions)
MailModule.register_async(use_factory=make_text)  # wrong

CqrsModule.for_root(command_behaviours=[LoggingBehaviour, LoggingBehaviour()])
CqrsModule.for_root(command_behaviours=[Noon])  # wrong
CqrsModule.for_root(event_publisher=Noon)  # wrong
CqrsModule.for_root(on_duplicate="first")  # wrong


class Incomplete(Behaviour): ...


Incomplete()  # wrong
