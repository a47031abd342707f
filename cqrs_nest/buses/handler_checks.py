"""What is checked of every handler at start, and the errors that name the fix."""

from __future__ import annotations

import inspect
from typing import Any

from cqrs_nest.buses.errors import HandlerSetupError
from cqrs_nest.buses.handlers import (
    COMMAND_HANDLER,
    EVENTS_HANDLER,
    QUERY_HANDLER,
    ICommandHandler,
    IEventHandler,
    IQueryHandler,
)
from cqrs_nest.buses.messages import generic_argument
from cqrs_nest.common.metadata import MetadataKey, find_metadata
from cqrs_nest.core import Binding

HANDLER_KEYS: tuple[MetadataKey[Any], ...] = (COMMAND_HANDLER, QUERY_HANDLER, EVENTS_HANDLER)

_DECORATED: tuple[tuple[type[Any], MetadataKey[Any], str], ...] = (
    (ICommandHandler, COMMAND_HANDLER, "@CommandHandler(TheCommand)"),
    (IQueryHandler, QUERY_HANDLER, "@QueryHandler(TheQuery)"),
    (IEventHandler, EVENTS_HANDLER, "@EventsHandler(TheEvent)"),
)


def place(binding: Binding) -> str:
    """The handler, its module and its file's name, as the errors show them."""
    cls: object = binding.cls or binding.token
    name = getattr(cls, "__qualname__", repr(cls))
    return f"{name} in {binding.module.name} ({getattr(cls, '__module__', '?')})"


def check_decorated(binding: Binding, cls: type[Any]) -> None:
    """A class that is a handler by its base must say for what it is one."""
    for interface, key, decorator in _DECORATED:
        if issubclass(cls, interface) and find_metadata(cls, key) is None:
            raise HandlerSetupError(
                f"{place(binding)} is an {interface.__name__} but does not say for what.\n"
                f"Add {decorator} above the class."
            )


def check_message(
    binding: Binding, cls: type[Any], message: object, kind: type[Any], interface: type[Any]
) -> None:
    """The decorator, the interface's parameters and the message's declared result must agree."""
    name = kind.__name__
    if not (isinstance(message, type) and issubclass(message, kind)):
        raise HandlerSetupError(
            f"{place(binding)} handles {message!r}, which is no {name.lower()}.\n"
            f"Let the class extend {name}[Result], or name another class in the decorator."
        )
    handled = generic_argument(cls, interface, 0)
    if not _fits(message, handled):
        raise HandlerSetupError(
            f"{place(binding)} is decorated for {message.__qualname__}, but is declared as "
            f"{interface.__name__}[{_type_name(handled)}, ...].\nName the same class in both places."
        )
    expected, given = generic_argument(message, kind, 0), generic_argument(cls, interface, 1)
    if not _fits(given, expected):
        raise HandlerSetupError(
            f"{place(binding)} gives {_type_name(given)}, but {message.__qualname__} is declared as "
            f"{name}[{_type_name(expected)}].\nMake the two agree: every caller of the bus relies on it."
        )


def check_async(binding: Binding, owner: object, name: str) -> None:
    """The method must be there and async. A callable object that is no function is taken at its word."""
    method: Any = getattr(owner, name, None)
    if method is None:
        raise HandlerSetupError(
            f"{place(binding)} has no method {name}().\nAdd `async def {name}(self, ...)`."
        )
    if inspect.isroutine(method) and not inspect.iscoroutinefunction(inspect.unwrap(method)):
        raise HandlerSetupError(f"{place(binding)}: {name}() is not async.\nWrite `async def {name}`.")


def _fits(given: Any, expected: Any) -> bool:
    """Whether what is given may stand where `expected` is declared; what is not declared fits."""
    if given is Any or expected is Any or given == expected:
        return True
    return all(
        any(one == option or _is_subclass(one, option) for option in _members(expected))
        for one in _members(given)
    )


def _members(annotation: Any) -> tuple[Any, ...]:
    """The parts of a union, or the one type."""
    if isinstance(annotation, type):
        return (annotation,)
    return getattr(annotation, "__args__", (annotation,)) if _is_union(annotation) else (annotation,)


def _is_union(annotation: Any) -> bool:
    return type(annotation).__name__ in {"UnionType", "_UnionGenericAlias", "Union"}


def _is_subclass(cls: Any, base: Any) -> bool:
    return isinstance(cls, type) and isinstance(base, type) and issubclass(cls, base)


def _type_name(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
