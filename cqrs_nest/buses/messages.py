"""`Command[R]` and `Query[R]`: what is sent over a bus, and the type of its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Generic, Self, TypeVar

from cqrs_nest.common.metadata import MetadataKey, define_metadata

ResultT = TypeVar("ResultT")
HostT = TypeVar("HostT")

COMMAND_HANDLER = MetadataKey[type[Any]]("command_handler")
QUERY_HANDLER = MetadataKey[type[Any]]("query_handler")


class Message(Generic[ResultT]):
    """What commands and queries share."""

    __slots__ = ()
    handler_key: ClassVar[MetadataKey[type[Any]]]

    @classmethod
    def handler(
        cls, method: Callable[[HostT, Self], Awaitable[ResultT]]
    ) -> Callable[[HostT, Self], Awaitable[ResultT]]:
        """Mark a provider's async method that handles this message.

        The second form beside `@CommandHandler` and `@QueryHandler`: type checkers see a method that takes
        another message or gives another result.

        >>> class Rename(Command[str]): ...
        >>> class Todos:
        ...     @Rename.handler
        ...     async def rename(self, command: Rename) -> str:
        ...         return "renamed"
        """
        define_metadata(method, cls.handler_key, cls)
        return method


class Command(Message[ResultT]):
    """An intent to change something; `R` is what its handler gives back.

    Base of a frozen dataclass or a pydantic model. It adds no fields.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class RenameTodo(Command[int]):
    ...     name: str
    """

    __slots__ = ()
    handler_key = COMMAND_HANDLER


class Query(Message[ResultT]):
    """A question that changes nothing; `R` is the answer."""

    __slots__ = ()
    handler_key = QUERY_HANDLER


def generic_arguments(cls: type[Any], base: type[Any]) -> tuple[Any, ...]:
    """The types that `cls`, or the nearest of its bases, gives to the parameters of `base`; () if none does.

    >>> class Rename(Command[int]): ...
    >>> generic_arguments(Rename, Command)
    (<class 'int'>,)
    """
    for owner in cls.__mro__:
        for original in owner.__dict__.get("__orig_bases__", ()):
            if getattr(original, "__origin__", None) is base:
                arguments: tuple[Any, ...] = original.__args__
                return arguments
    return ()
