"""The texts of the errors that stop an application from starting."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, TypeVar

import injector
import pytest

from cqrs_nest.common import (
    Catch,
    Controller,
    DynamicModule,
    Get,
    Inject,
    Injectable,
    InjectionToken,
    Module,
    Scope,
    UseGuards,
    forward_ref,
    provide,
)
from cqrs_nest.common.tokens import REQUEST
from cqrs_nest.core import (
    CircularDependencyError,
    Container,
    CqrsNestError,
    InvalidModuleError,
    InvalidProviderError,
    NotBuiltYetError,
    ProviderScopeError,
    RequestScope,
    UnresolvedDependencyError,
)
from cqrs_nest.core.module_ref import ModuleRef

if TYPE_CHECKING:
    from decimal import Decimal


def app(*providers: Any, imports: Any = (), controllers: Any = ()) -> DynamicModule:
    return DynamicModule(type("App", (), {}), imports=imports, controllers=controllers, providers=providers)


async def refusal(root: Any, error: type[Exception]) -> str:
    with pytest.raises(error) as raised:
        await Container.create(root)
    assert isinstance(raised.value, CqrsNestError)
    return str(raised.value)


class A: ...


async def test_two_steps_are_needed_when_it_is_neither_exported_nor_imported() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    @Module(providers=[A])
    class Private: ...

    @Module(imports=[Private])
    class Between: ...

    message = await refusal(app(NeedsA, imports=[Between]), UnresolvedDependencyError)

    assert "Private provides it but does not export it" in message
    assert "add A to the exports of Private, and Private to the imports of App" in message


async def test_a_class_of_the_same_name_is_pointed_out() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    other = type("A", (), {"__module__": "shop.cats"})

    message = await refusal(app(NeedsA, other), UnresolvedDependencyError)

    assert "it is not provided anywhere (App provides another A, of shop.cats)" in message


T = TypeVar("T")


class Store(Generic[T]): ...


class NeedsStore:
    def __init__(self, store: Store[int]) -> None: ...


async def test_the_class_of_a_generic_alias_is_looked_for_as_well() -> None:
    @Module(providers=[Store])
    class Private: ...

    message = await refusal(app(NeedsStore, imports=[Private]), UnresolvedDependencyError)

    assert "Private provides it but does not export it" in message
    assert "add Store to the exports of Private" in message


async def test_a_key_of_a_plain_injector_module_that_is_not_exported() -> None:
    class Plain(injector.Module):
        @injector.provider
        def size(self) -> int:
            return 1

    class NeedsSize:
        def __init__(self, size: int) -> None: ...

    @Module(injector_modules=[Plain()])
    class Private: ...

    message = await refusal(app(NeedsSize, imports=[Private]), UnresolvedDependencyError)

    assert "Private provides it but does not export it" in message


async def test_of_several_modules_that_keep_it_private_the_imported_one_is_to_export_it() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    @Module(providers=[A])
    class Far: ...

    @Module(imports=[Far])
    class Between: ...

    @Module(providers=[A])
    class Near: ...

    message = await refusal(app(NeedsA, imports=[Between, Near]), UnresolvedDependencyError)

    assert "Far and Near provide it but do not export it" in message
    assert message.endswith("add A to the exports of Near")


async def test_a_service_among_the_imports() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    message = await refusal(app(NeedsA, imports=[A]), UnresolvedDependencyError)

    assert "A is listed in the imports of App as if it were a module" in message
    assert "move A to the providers of App" in message


async def test_a_module_class_is_not_injected_elsewhere() -> None:
    @Module()
    class Lib: ...

    class NeedsLib:
        def __init__(self, lib: Lib) -> None: ...

    message = await refusal(app(NeedsLib, imports=[Lib]), UnresolvedDependencyError)

    assert "Lib is a module, which is injected only within itself" in message


@dataclass
class Record:
    a: A


class Field:
    a: Annotated[A, Inject(A)]


@pytest.mark.parametrize(("cls", "shown"), [(Record, "Record (?)"), (Field, "Field (a=?)")])
async def test_where_a_class_without_a_written_constructor_is(cls: type[Any], shown: str) -> None:
    message = await refusal(app(cls), UnresolvedDependencyError)

    assert message.startswith(f"Cannot resolve the dependencies of {shown}.")
    assert f"source:    {__file__}:{inspect.getsourcelines(cls)[1]}\n" in message


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("TABLE", '"TABLE"'),
        (InjectionToken[int]("SIZE"), "InjectionToken('SIZE')"),
        (list[int], "list[int]"),
    ],
)
async def test_tokens_are_shown_as_they_are_written(token: Any, shown: str) -> None:
    missing = provide("made", use_factory=lambda it: it, inject=[token])

    assert f"token:     {shown}" in await refusal(app(missing), UnresolvedDependencyError)


class PriceService:
    def __init__(self, price: "Decimal") -> None: ...


async def test_an_annotation_that_exists_only_for_type_checkers() -> None:
    message = await refusal(app(PriceService), UnresolvedDependencyError)

    assert message.splitlines() == [
        "Cannot resolve the dependencies of PriceService (?).",
        "  parameter: price at index [0]",
        "  module:    App",
        f"  source:    {__file__}:{PriceService.__init__.__code__.co_firstlineno}",
        '  reason:    the annotation "Decimal" cannot be read at run time',
        '  fix:       import its names outside of "if TYPE_CHECKING:", and define them at module level; '
        "or name the token: Annotated[..., Inject(TOKEN)]",
    ]


async def test_a_forward_reference_to_nothing() -> None:
    broken = provide("x", use_factory=lambda it: it, inject=[forward_ref(lambda: NotDefined)])  # noqa: F821

    message = await refusal(app(broken), UnresolvedDependencyError)

    assert "\"forward_ref(...): name 'NotDefined' is not defined\" cannot be read" in message


async def test_a_parameter_without_annotation() -> None:
    unannotated = provide("sum", use_factory=lambda left: left)

    message = await refusal(app(unannotated), UnresolvedDependencyError)

    assert 'the parameter "left" has no annotation' in message
    assert "inject=[...]" in message


async def test_a_missing_field_is_called_a_property() -> None:
    class Reader:
        clock: Annotated[A, Inject(A)]

    assert "parameter: property clock" in await refusal(app(Reader), UnresolvedDependencyError)


async def test_a_guard_with_a_missing_dependency_stops_the_start() -> None:
    class Guard:
        def __init__(self, a: A) -> None: ...

        def can_activate(self, context: object) -> bool:
            return True

    @Controller()
    class CatController:
        @Get()
        @UseGuards(Guard)
        async def index(self) -> None: ...

    message = await refusal(app(controllers=[CatController]), UnresolvedDependencyError)

    assert message.startswith("Cannot resolve the dependencies of Guard (?).")


class First:
    def __init__(self, second: "Second") -> None: ...


class Second:
    def __init__(self, third: "Third") -> None: ...


class Third:
    def __init__(self, first: First) -> None: ...


class Outside:
    def __init__(self, first: First) -> None: ...


async def test_the_whole_circle_is_shown_across_modules_and_nothing_else() -> None:
    lib: Any = forward_ref(lambda: Lib)

    @Module(imports=[lib], providers=[Outside, First, Second], exports=[First])
    class AppModule: ...

    @Module(imports=[AppModule], providers=[Third], exports=[Third])
    class Lib: ...

    message = await refusal(AppModule, CircularDependencyError)

    assert "path: First (AppModule) -> Second (AppModule) -> Third (Lib) -> First (AppModule)" in message


async def test_factories_cannot_be_part_of_a_circle() -> None:
    left = provide("left", use_factory=lambda right: right, inject=["right"])
    right = provide("right", use_factory=lambda left: left, inject=[forward_ref(lambda: "left")])

    message = await refusal(app(left, right), CircularDependencyError)

    assert 'path: "left" (App) -> "right" (App) -> "left" (App)' in message
    assert "factories and aliases cannot be part of a circle" in message


class Sealed:
    def __new__(cls, key: "KeyOfSealed") -> "Sealed":
        return super().__new__(cls)

    def __init__(self, key: "KeyOfSealed") -> None: ...


class KeyOfSealed:
    def __init__(self, sealed: Annotated[Sealed, Inject(forward_ref(lambda: Sealed))]) -> None: ...


async def test_a_class_in_a_circle_whose_new_needs_arguments() -> None:
    message = await refusal(app(Sealed, KeyOfSealed), CircularDependencyError)

    assert message.startswith("Sealed is part of a circle, and its __new__ cannot make it without arguments.")
    assert "let Sealed take its arguments in __init__ alone" in message


async def test_aliases_that_refer_to_each_other() -> None:
    message = await refusal(
        app(provide("a", use_existing="b"), provide("b", use_existing="a")), CircularDependencyError
    )

    assert 'path: "a" (App) -> "b" (App) -> "a" (App)' in message


@Injectable(scope=Scope.TRANSIENT)
class TransientLeft:
    def __init__(self, right: "TransientRight") -> None: ...


@Injectable(scope=Scope.TRANSIENT)
class TransientRight:
    def __init__(self, left: TransientLeft) -> None: ...


async def test_transient_providers_cannot_be_part_of_a_circle() -> None:
    message = await refusal(app(TransientLeft, TransientRight), CircularDependencyError)

    assert "path: TransientLeft (App) -> TransientRight (App) -> TransientLeft (App)" in message


class Port(Protocol):
    def send(self) -> None: ...


class Shape(ABC):
    @abstractmethod
    def area(self) -> float: ...


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "the entry is None, perhaps because two files import each other"),
        ({"provide": "x"}, "{'provide': 'x'} is a mapping; write provide(TOKEN, use_value=...)"),
        (DynamicModule(A), "A is a module and belongs into imports"),
        (Store[int], "Store[int] is a generic alias; write provide("),
        (17, "17 is an object; for a ready-made one write provide(int, use_value=...)"),
        (Catch(A), "a decorator has no parentheses: write @Catch(...)"),
        (Shape, "Shape is abstract; write provide(Shape, use_class=...)"),
        (Port, "Port is abstract; write provide(Port, use_class=...)"),
    ],
)
async def test_a_wrong_entry_among_the_providers(entry: Any, reason: str) -> None:
    message = await refusal(app(A, entry), InvalidProviderError)

    assert message.startswith("App has a wrong entry at index [1] of its providers.")
    assert reason in message


def connect() -> Iterator[A]:
    yield A()


async def connect_async() -> AsyncIterator[A]:
    yield A()


def two(left: A, right: A) -> None: ...


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"use_factory": 3}, 'the use_factory of "x" cannot be called: 3'),
        ({"use_factory": None}, 'the use_factory of "x" cannot be called: None'),
        ({"use_factory": connect}, 'the use_factory of "x" is a generator; return an object, and let its'),
        ({"use_factory": connect_async}, 'the use_factory of "x" is a generator; return an object'),
        ({"use_class": "A"}, "the use_class of \"x\" is not a class: 'A'"),
        (
            {"use_factory": two, "inject": [A]},
            "inject=[...] does not fit two: missing a required argument: 'right'",
        ),
        (
            {"use_factory": two, "inject": [A] * 3},
            "inject=[...] does not fit two: too many positional arguments",
        ),
        ({"use_factory": A, "scope": "REQUEST"}, "the scope of \"x\" is not a Scope: 'REQUEST'"),
        ({"use_class": A, "scope": "REQUEST"}, "the scope of \"x\" is not a Scope: 'REQUEST'"),
    ],
)
async def test_a_provider_of_a_wrong_shape(shape: Any, reason: str) -> None:
    message = await refusal(app(A, provide("x", **shape)), InvalidProviderError)

    assert message.startswith("App has a wrong entry at index [1] of its providers.")
    assert reason in message


async def test_a_scope_of_a_class_that_is_a_text() -> None:
    scope: Any = "REQUEST"

    message = await refusal(app(Injectable(scope=scope)(type("B", (), {}))), InvalidProviderError)

    assert "the scope of B is not a Scope: 'REQUEST'" in message


async def test_a_token_that_cannot_be_hashed() -> None:
    token: Any = ["T"]

    class NeedsT:
        def __init__(self, t: Annotated[int, Inject(["T"])]) -> None: ...

    message = await refusal(app(provide(token, use_value=1)), InvalidProviderError)

    assert "the token ['T'] cannot be hashed" in message
    for needs in (NeedsT, provide("x", use_existing=["T"]), provide("x", use_factory=str, inject=[["T"]])):
        message = await refusal(app(needs), UnresolvedDependencyError)
        assert "reason:    ['T'] cannot be hashed, so nothing can be provided under it" in message


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (["T"], "['T'] cannot be hashed, so nothing can be provided under it"),
        (None, "the entry is None, perhaps because two files import each other"),
        (forward_ref(lambda: NotDefined), "forward_ref(...) failed: name 'NotDefined' is not defined"),  # noqa: F821
    ],
)
async def test_a_wrong_entry_among_the_exports(entry: Any, reason: str) -> None:
    root = DynamicModule(type("App", (), {}), providers=[A], exports=[A, entry])

    message = await refusal(root, InvalidModuleError)

    assert message.startswith("App has a wrong entry at index [1] of its exports.")
    assert reason in message


def test_a_decorator_of_a_route_without_parentheses() -> None:
    decorate: Any = Get

    with pytest.raises(
        TypeError, match=r"stands where a path belongs.*parentheses: @Get\(\), @Controller\(\)"
    ):
        decorate(connect)


async def test_a_plain_class_among_the_controllers() -> None:
    message = await refusal(app(controllers=[A]), InvalidModuleError)

    assert "App has a wrong entry at index [0] of its controllers." in message
    assert "A is not decorated with @Controller()" in message


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (forward_ref(lambda: NotDefined), "forward_ref(...) failed: name 'NotDefined' is not defined"),  # noqa: F821
        (17, "17 is neither a module class nor a dynamic module"),
    ],
)
async def test_a_wrong_entry_among_the_imports(entry: Any, reason: str) -> None:
    message = await refusal(app(imports=[entry]), InvalidModuleError)

    assert message.startswith("App has a wrong entry at index [0] of its imports.")
    assert reason in message


async def test_a_wrong_root() -> None:
    root: Any = None

    assert (await refusal(root, InvalidModuleError)).startswith("The root is not a module.")


@Injectable(scope=Scope.REQUEST)
class InRequest:
    def __init__(self, request: Annotated[object, Inject(REQUEST)]) -> None: ...


async def test_the_injector_gives_request_scoped_providers_only_in_a_request() -> None:
    @Injectable(scope=Scope.TRANSIENT)
    class PerConsumer: ...

    container = await Container.create(app(InRequest, PerConsumer))
    injector = container.select(container.modules[0].cls).injector

    with pytest.raises(ProviderScopeError, match="PerConsumer of App> is transient: use await module_ref"):
        injector.get(PerConsumer)

    with pytest.raises(ProviderScopeError, match="InRequest of App> is request-scoped: there is no request"):
        injector.get(InRequest)


async def test_a_request_scoped_factory_must_say_that_it_is_async() -> None:
    async def later() -> int:
        return 1

    made = later()
    hidden = provide(A, use_factory=lambda: made, scope=Scope.REQUEST)
    container = await Container.create(app(hidden))

    with pytest.raises(ProviderScopeError, match="gave an awaitable: declare it with async def"):
        await container.resolve(A, RequestScope())
    made.close()


async def test_what_is_fetched_too_early_says_so() -> None:
    class Hasty:
        def __init__(self, module_ref: ModuleRef) -> None:
            module_ref.get(A)

    with pytest.raises(NotBuiltYetError, match="A of App> has not been built yet"):
        await Container.create(app(Hasty, A))


@pytest.mark.parametrize("annotation", [A | int, A | int | None])
async def test_a_union_of_which_one_member_is_provided(annotation: Any) -> None:
    class NeedsOne:
        def __init__(self, one: Any) -> None: ...

    NeedsOne.__init__.__annotations__["one"] = annotation

    message = await refusal(app(A, NeedsOne), UnresolvedDependencyError)

    assert "is a union, and nothing says which of its members is meant" in message


async def test_a_forward_reference_to_what_nobody_provides() -> None:
    missing = provide("x", use_factory=lambda it: it, inject=[forward_ref(lambda: A)])

    assert "it is not provided anywhere" in await refusal(app(missing), UnresolvedDependencyError)
