"""`Command[R]` and `Query[R]`: what is sent over a bus, and the type of its result."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_args, get_origin

ResultT = TypeVar("ResultT")


class Command(Generic[ResultT]):
    """An intent to change something; `R` is what its handler gives back.

    Base of a frozen dataclass or a pydantic model. It adds no fields.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class RenameTodo(Command[int]):
    ...     name: str
    """

    __slots__ = ()


class Query(Generic[ResultT]):
    """A question that changes nothing; `R` is the answer."""

    __slots__ = ()


def generic_argument(cls: type[Any], base: type[Any], index: int) -> Any:
    """The type that `cls`, or the nearest of its bases, gives to a parameter of `base`; `Any` if none does.

    >>> class Rename(Command[int]): ...
    >>> generic_argument(Rename, Command, 0)
    <class 'int'>
    """
    for owner in cls.__mro__:
        for original in owner.__dict__.get("__orig_bases__", ()):
            if get_origin(original) is base:
                argument = get_args(original)[index]
                return Any if isinstance(argument, TypeVar) else argument
    return Any
