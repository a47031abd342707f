"""What a dependency is asked for by: a class, a typed token or a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class InjectionToken(Generic[T]):
    """A typed name for something that has no class of its own, such as a setting or a function.

    Identity decides: two tokens with one name are two tokens.

    >>> PAGE_SIZE = InjectionToken[int]("PAGE_SIZE")
    >>> PAGE_SIZE
    InjectionToken('PAGE_SIZE')
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"InjectionToken({self.name!r})"


class ForwardReference(Generic[T]):
    """A class or module that is looked up when the graph is scanned, not when the file is imported."""

    __slots__ = ("resolve",)

    def __init__(self, resolve: Callable[[], T]) -> None:
        self.resolve = resolve

    def __repr__(self) -> str:
        return "forward_ref(...)"


def forward_ref(resolve: Callable[[], T]) -> ForwardReference[T]:
    """Refer to something that is defined further down or in a file that imports this one.

    >>> forward_ref(lambda: int).resolve()
    <class 'int'>
    """
    return ForwardReference(resolve)


Token: TypeAlias = Any
"""Any hashable key: a class, an `InjectionToken`, a generic alias or a text."""


@dataclass(frozen=True, slots=True)
class Inject:
    """Names the token of a constructor parameter whose annotation is not enough.

    `x: Annotated[int, Inject(PAGE_SIZE)]`; in `provide(..., inject=[...])`, `Inject(T, optional=True)`
    hands over None when nobody provides `T`.
    """

    token: Token
    optional: bool = False


REQUEST = InjectionToken[Any]("REQUEST")
"""The request (or the context object) that a request-scoped provider is built for."""

INQUIRER = InjectionToken[Any]("INQUIRER")
"""The object that a transient provider is built for."""


def describe_token(token: Token) -> str:
    """The token as an error message shows it: a class by its name, a text in quotes.

    >>> describe_token(int), describe_token("A"), describe_token(InjectionToken("B"))
    ('int', '"A"', "InjectionToken('B')")
    """
    if isinstance(token, str):
        return f'"{token}"'
    if isinstance(token, type) and not hasattr(token, "__origin__"):
        return token.__qualname__.rpartition("<locals>.")[2]
    return str(token) if hasattr(token, "__origin__") else repr(token)
