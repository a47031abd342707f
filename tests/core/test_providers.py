"""Kinds of providers, keys and parameters beyond the recorded cases."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar

import pytest

from cqrs_nest.common import DynamicModule, Inject, Injectable, InjectionToken, Scope, forward_ref, provide
from cqrs_nest.core import Container, RequestScope

T = TypeVar("T")


async def create(*providers: Any, imports: Any = (), exports: Any = ()) -> Container:
    return await Container.create(
        DynamicModule(type("App", (), {}), imports=imports, providers=providers, exports=exports)
    )


class A: ...


class B: ...


class Store(Generic[T]):
    def __init__(self, name: str = "store") -> None:
        self.name = name


async def test_a_generic_alias_is_a_key_of_its_own_and_falls_back_to_its_class() -> None:
    class Reader:
        def __init__(self, ints: Store[int], texts: Store[str]) -> None:
            self.seen = (ints.name, texts.name)

    ints: Any = Store[int]
    container = await create(Reader, Store, provide(ints, use_value=Store("ints")))

    assert container.get(Reader).seen == ("ints", "store")
    assert container.get(Store[int]).name == "ints"
    assert container.get(Store[str]) is container.get(Store)


class Sender(Protocol):
    def send(self) -> str: ...


async def test_a_protocol_is_a_key() -> None:
    class Mail:
        def send(self) -> str:
            return "sent"

    class Notifier:
        def __init__(self, sender: Sender) -> None:
            self.sender = sender

    container = await create(Notifier, provide(Sender, use_class=Mail))

    assert container.get(Notifier).sender.send() == "sent"


async def test_values_are_taken_as_they_are() -> None:
    async def never_awaited() -> None: ...

    coroutine = never_awaited()
    values: dict[str, Any] = {"none": None, "zero": 0, "callable": len, "class": A, "awaitable": coroutine}
    container = await create(*(provide(name, use_value=value) for name, value in values.items()))

    assert {name: container.modules[0].own[name].instance for name in values} == values
    await container.initialize()
    coroutine.close()


async def test_every_kind_of_parameter() -> None:
    class Everything:
        def __init__(
            self,
            first: A,
            /,
            plain=3,
            *rest: object,
            keyword: B,
            limit: int = 5,
            **more: object,
        ) -> None:
            self.seen = (type(first), plain, rest, type(keyword), limit, more)

    @dataclass
    class Data:
        a: A
        size: int = 1

    container = await create(A, B, Everything, Data)

    assert container.get(Everything).seen == (A, 3, (), B, 5, {})
    assert container.get(Data) == Data(container.get(A), 1)


async def test_factories_take_what_their_annotations_or_the_list_say() -> None:
    class Maker:
        def __call__(self, a: A) -> tuple[A]:
            return (a,)

        def method(self, a: A) -> list[A]:
            return [a]

    def annotated(a: A, *, b: B | None = None) -> tuple[A, B | None]:
        return a, b

    container = await create(
        A,
        provide("callable", use_factory=Maker()),
        provide("method", use_factory=Maker().method),
        provide("annotated", use_factory=annotated),
        provide("listed", use_factory=lambda *given: given, inject=[A, Inject(B, optional=True)]),
        provide("class", use_factory=Store),
    )
    own, a = container.modules[0].own, container.get(A)

    assert own["callable"].instance == (a,)
    assert own["method"].instance == [a]
    assert own["annotated"].instance == (a, None)
    assert own["listed"].instance == (a, None)
    assert own["class"].instance.name == "store"
    assert own["class"].cls is Store


async def test_a_dependent_waits_for_an_async_factory() -> None:
    order: list[str] = []

    async def connect() -> A:
        await asyncio.sleep(0)
        order.append("connected")
        return A()

    class Repository:
        def __init__(self, a: A) -> None:
            order.append("repository")

    class Service:
        def __init__(self, repository: Repository) -> None:
            order.append("service")

    await create(Service, Repository, provide(A, use_factory=connect))

    assert order == ["connected", "repository", "service"]


async def test_a_failed_factory_stops_the_others() -> None:
    stopped = asyncio.Event()
    waiting = asyncio.Event()

    async def wait() -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def fail() -> None:
        await waiting.wait()
        raise LookupError("no database")

    async with asyncio.timeout(10):
        with pytest.raises(LookupError, match="no database"):
            await create(provide("wait", use_factory=wait), provide("fail", use_factory=fail))

    assert stopped.is_set()


async def test_a_later_provider_of_a_token_takes_the_place_of_the_earlier() -> None:
    class Consumer:
        def __init__(self, a: A) -> None:
            self.a = a

    first, second = A(), A()
    container = await create(provide(A, use_value=first), Consumer, provide(A, use_value=second))

    assert container.get(Consumer).a is second
    assert container.get_all(A) == [second]


async def test_the_module_class_is_built_with_its_dependencies() -> None:
    class Root:
        def __init__(self, a: A) -> None:
            self.a = a

    container = await Container.create(DynamicModule(Root, providers=[A]))

    assert container.get(Root).a is container.get(A)


async def test_a_chain_of_a_thousand_classes() -> None:
    chain: list[Any] = [A]
    for number in range(1000):

        class Link:
            def __init__(self, inner: Any) -> None: ...

        Link.__init__.__annotations__["inner"] = chain[-1]
        Link.__qualname__ = f"Link{number}"
        chain.append(Link)

    container = await create(*reversed(chain))

    assert isinstance(container.get(chain[-1]), chain[-1])


class Left:
    def __init__(self, right: Annotated["Right", Inject(forward_ref(lambda: Right))]) -> None:
        self.right = right


class Right:
    def __init__(self, left: Left) -> None:
        self.left = left


async def test_one_forward_reference_is_enough_for_a_circle() -> None:
    container = await create(Right, Left)

    assert container.get(Left).right is container.get(Right)
    assert container.get(Right).left is container.get(Left)


@Injectable(scope=Scope.REQUEST)
class LeftInRequest:
    def __init__(
        self, right: Annotated["RightInRequest", Inject(forward_ref(lambda: RightInRequest))]
    ) -> None:
        self.right = right


class RightInRequest:
    def __init__(self, left: LeftInRequest) -> None:
        self.left = left
        self.is_ready = True


async def test_a_circle_lives_in_a_request() -> None:
    container = await create(LeftInRequest, RightInRequest)

    for token in (LeftInRequest, RightInRequest):
        scope = RequestScope()
        await container.resolve(token, scope)
        left, right = (
            await container.resolve(LeftInRequest, scope),
            await container.resolve(RightInRequest, scope),
        )
        assert left.right is right
        assert right.left is left
        assert right.is_ready


SECRET = InjectionToken[str]("SECRET")


async def test_fields_may_have_defaults_and_later_bases_win() -> None:
    class Base:
        secret: Annotated[str, Inject(SECRET)]
        size: Annotated[int, Inject("SIZE")] = 3
        other: Annotated[A | None, Inject(A)]

    class Child(Base):
        def __init__(self, b: B) -> None:
            self.b = b

    child = (await create(B, Child, provide(SECRET, use_value="s"))).get(Child)

    assert (child.secret, child.size, child.other) == ("s", 3, None)


class Pair(NamedTuple):
    a: A
    size: int = 3


class MadeByNew(A):
    def __new__(cls, a: A) -> "MadeByNew":
        made = super().__new__(cls)
        made.__dict__["a"] = a
        return made


async def test_classes_whose_parameters_stand_in_new() -> None:
    container = await create(A, Pair, MadeByNew)

    assert container.get(Pair) == (container.get(A), 3)
    assert vars(container.get(MadeByNew)) == {"a": container.get(A)}


def assemble(first: int, a: A, middle: str, b: B, *, last: A) -> list[Any]:
    return [first, a, middle, b, last]


async def test_a_partial_function_is_injected_with_what_it_still_needs() -> None:
    container = await create(A, B, provide("made", use_factory=partial(assemble, 1, middle="m")))
    a, b = container.get(A), container.get(B)
    key: Any = "made"

    assert container.get(key) == [1, a, "m", b, a]


class WithField:
    a: Annotated[A, Inject(A)]


async def test_a_class_that_serves_as_a_factory_gets_its_fields() -> None:
    container = await create(A, provide(WithField, use_factory=WithField))

    assert container.get(WithField).a is container.get(A)


async def test_built_in_classes_are_built_as_they_are() -> None:
    empty = provide("empty", use_factory=dict)
    container: Any = await create(empty, int, provide("from", use_factory=str, inject=["empty"]))

    assert (container.get("empty"), container.get(int), container.get("from")) == ({}, 0, "{}")


class TakesA:
    def __init__(self, a: A) -> None:
        self.given: object = a


class TakesB(TakesA):
    def __init__(self, b: B) -> None:
        self.given = b


async def test_a_subclass_with_its_own_constructor_asks_for_its_own_dependencies() -> None:
    container = await create(A, B, TakesA, TakesB)

    assert container.get(TakesA).given is container.get(A)
    assert container.get(TakesB).given is container.get(B)


async def test_a_default_stays_where_an_optional_dependency_is_missing() -> None:
    class Paged:
        def __init__(self, size: int | None = 20, page: int | None = None) -> None:
            self.given = (size, page)

    assert (await create(Paged)).get(Paged).given == (20, None)


class Waiting:
    def __init__(self, partner: Annotated["Partner", Inject(forward_ref(lambda: Partner))], a: A) -> None:
        self.partner, self.a = partner, a


class Partner:
    def __init__(self, waiting: Waiting, a: A) -> None:
        self.waiting, self.a = waiting, a


@pytest.mark.parametrize("order", [(Waiting, Partner), (Partner, Waiting)])
async def test_a_partner_in_a_circle_may_wait_for_an_async_factory(order: Any) -> None:
    async def connect() -> A:
        await asyncio.sleep(0)
        return A()

    async with asyncio.timeout(10):
        container = await create(*order, provide(A, use_factory=connect))
    partner = container.get(Partner)

    assert container.get(Waiting).partner is partner
    assert partner.waiting is container.get(Waiting)
    assert partner.a is container.get(A)
