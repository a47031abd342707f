"""How an application says what can be injected: `@Injectable` classes and `provide(...)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, TypeVar, overload

from cqrs_nest.common.metadata import MetadataKey, define_metadata
from cqrs_nest.common.tokens import InjectionToken, Token

T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type)


class Scope(Enum):
    """How long an instance lives."""

    DEFAULT = "DEFAULT"
    """One for the application."""
    REQUEST = "REQUEST"
    """One for each request."""
    TRANSIENT = "TRANSIENT"
    """One for each consumer."""


@dataclass(frozen=True, slots=True)
class InjectableOptions:
    scope: Scope = Scope.DEFAULT


INJECTABLE = MetadataKey[InjectableOptions]("injectable")

HOW_TO_PROVIDE = MetadataKey[str]("how_to_provide")
"""On a class that comes with a module: what the error says that the class is missing from `{module}`."""


def Injectable(*, scope: Scope = Scope.DEFAULT) -> Callable[[ClassT], ClassT]:
    """Mark a class as a provider. Needed only to give a scope; a plain class may be listed as well.

    >>> @Injectable(scope=Scope.REQUEST)
    ... class Basket: ...
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, INJECTABLE, InjectableOptions(scope))
        return cls

    return decorate


@dataclass(frozen=True, slots=True, eq=False)
class ValueProvider:
    token: Token
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class ClassProvider:
    token: Token
    cls: type[Any]
    scope: Scope | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FactoryProvider:
    token: Token
    factory: Callable[..., Any]
    inject: tuple[Token, ...] | None = None
    """Tokens handed to the factory in order; None: the factory's own annotations say them."""
    scope: Scope | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExistingProvider:
    token: Token
    existing: Token


ProviderDefinition: TypeAlias = ValueProvider | ClassProvider | FactoryProvider | ExistingProvider
Provider: TypeAlias = type[Any] | ProviderDefinition

_MISSING: Any = object()
_FORMS = "use_value, use_class, use_factory or use_existing"


@overload
def provide(token: type[T] | InjectionToken[T], *, use_value: T) -> ProviderDefinition: ...
@overload
def provide(
    token: type[T] | InjectionToken[T], *, use_class: type[T], scope: Scope | None = None
) -> ProviderDefinition: ...
@overload
def provide(
    token: type[T] | InjectionToken[T],
    *,
    use_factory: Callable[..., Awaitable[T]],
    inject: Sequence[Token] | None = None,
    scope: Scope | None = None,
) -> ProviderDefinition: ...
@overload
def provide(
    token: type[T] | InjectionToken[T],
    *,
    use_factory: Callable[..., T],
    inject: Sequence[Token] | None = None,
    scope: Scope | None = None,
) -> ProviderDefinition: ...
@overload
def provide(token: type[T] | InjectionToken[T], *, use_existing: Token) -> ProviderDefinition: ...
@overload
def provide(token: str, *, use_value: Any) -> ProviderDefinition: ...
@overload
def provide(token: str, *, use_class: type[Any], scope: Scope | None = None) -> ProviderDefinition: ...
@overload
def provide(
    token: str,
    *,
    use_factory: Callable[..., Any],
    inject: Sequence[Token] | None = None,
    scope: Scope | None = None,
) -> ProviderDefinition: ...
@overload
def provide(token: str, *, use_existing: Token) -> ProviderDefinition: ...
def provide(
    token: Token,
    *,
    use_value: Any = _MISSING,
    use_class: Any = _MISSING,
    use_factory: Any = _MISSING,
    use_existing: Any = _MISSING,
    inject: Sequence[Token] | None = None,
    scope: Scope | None = None,
) -> ProviderDefinition:
    """Say what stands behind a token. Exactly one of the four forms.

    Raises TypeError when none or several are given, or when `inject` stands without a factory.

    >>> PAGE_SIZE = InjectionToken[int]("PAGE_SIZE")
    >>> provide(PAGE_SIZE, use_value=20).token
    InjectionToken('PAGE_SIZE')
    """
    given = [form for form in (use_value, use_class, use_factory, use_existing) if form is not _MISSING]
    if len(given) != 1:
        raise TypeError(f"provide({token!r}) needs exactly one of {_FORMS}, not {len(given)}")
    if inject is not None and use_factory is _MISSING:
        raise TypeError(f"provide({token!r}): inject=[...] belongs to use_factory")
    if use_value is not _MISSING:
        return ValueProvider(token, use_value)
    if use_class is not _MISSING:
        return ClassProvider(token, use_class, scope)
    if use_factory is not _MISSING:
        return FactoryProvider(token, use_factory, None if inject is None else tuple(inject), scope)
    return ExistingProvider(token, use_existing)
