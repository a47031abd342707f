"""What is checked of every handler at start, and the errors that name the fix."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

from cqrs_nest.buses.behaviours import Execute
from cqrs_nest.buses.declared_types import fits, type_name
from cqrs_nest.buses.errors import HandlerSetupError
from cqrs_nest.buses.handlers import ICommandHandler, IEventHandler, IQueryHandler
from cqrs_nest.buses.messages import generic_arguments
from cqrs_nest.core import Binding
from cqrs_nest.core.annotations import Namespace, UnreadableAnnotation

_DECORATORS: tuple[tuple[type[Any], str], ...] = (
    (ICommandHandler, "@CommandHandler(TheCommand)"),
    (IQueryHandler, "@QueryHandler(TheQuery)"),
    (IEventHandler, "@EventsHandler(TheEvent)"),
)


def place(binding: Binding) -> str:
    """The handler, its module and its file's name, as the errors show them."""
    cls: object = binding.cls or binding.token
    name = getattr(cls, "__qualname__", repr(cls))
    return f"{name} in {binding.module.name} ({getattr(cls, '__module__', '?')})"


def check_undecorated(binding: Binding, cls: type[Any]) -> None:
    """A class that is a handler by its base must say for what it is one."""
    for interface, decorator in _DECORATORS:
        if interface in cls.__mro__:
            raise HandlerSetupError(
                f"{place(binding)} is an {interface.__name__} but does not say for what.\n"
                f"Add {decorator} above the class."
            )


def check_message(
    binding: Binding, cls: type[Any], message: object, method: str, kind: type[Any], interface: type[Any]
) -> None:
    """The decorator, what the handler declares to take and to give, and the message's result must agree."""
    name = kind.__name__
    if not (isinstance(message, type) and issubclass(message, kind)):
        raise HandlerSetupError(
            f"{place(binding)} handles {message!r}, which is no {name.lower()}.\n"
            f"Let the class extend {name}[Result], or name another class in the decorator."
        )
    taken, given = _declared(cls, method, interface)
    if not fits(message, taken):
        raise HandlerSetupError(
            f"{place(binding)} is decorated for {message.__qualname__}, but {method}() is declared for "
            f"{type_name(taken)}.\nName the same class in both places."
        )
    (expected,) = generic_arguments(message, kind) or (Any,)
    if not fits(given, expected):
        raise HandlerSetupError(
            f"{place(binding)} gives {type_name(given)}, but {message.__qualname__} is declared as "
            f"{name}[{type_name(expected)}].\nMake the two agree: every caller of the bus relies on it."
        )


def check_events(binding: Binding, events: tuple[object, ...], decorator: str) -> None:
    """An event handler must name classes."""
    wrong = next((event for event in events if not isinstance(event, type)), None)
    if wrong is not None or not events:
        problem = "names no event" if not events else f"names {wrong!r}, which is no class"
        raise HandlerSetupError(f"{place(binding)} {problem}.\nWrite @{decorator}(TheEventClass).")


def check_event_method(binding: Binding, cls: type[Any], events: tuple[type[Any], ...], method: str) -> None:
    """Every event that the decorator names must be one that the method is declared to take."""
    taken, _ = _declared(cls, method, IEventHandler)
    for event in events:
        if not fits(event, taken):
            raise HandlerSetupError(
                f"{place(binding)} is decorated for {event.__qualname__}, but {method}() is declared for "
                f"{type_name(taken)}.\nName the same classes in both places."
            )


def async_method(binding: Binding, owner: object, name: str) -> Execute:
    """The method, which must be there and async. A callable that is no function is taken at its word."""
    method: Any = getattr(owner, name, None)
    function = getattr(method, "__func__", method)
    # What nearly every handler is, told ten times as fast as `inspect` does.
    if type(function) is FunctionType and function.__code__.co_flags & inspect.CO_COROUTINE:
        execute: Execute = method
        return execute
    if method is None:
        raise HandlerSetupError(
            f"{place(binding)} has no method {name}().\nAdd `async def {name}(self, ...)`."
        )
    if inspect.isroutine(method) and not inspect.iscoroutinefunction(inspect.unwrap(method)):
        raise HandlerSetupError(f"{place(binding)}: {name}() is not async.\nWrite `async def {name}`.")
    other: Execute = method
    return other


def _declared(cls: type[Any], method: str, interface: type[Any]) -> tuple[Any, Any]:
    """What the method takes and gives: by the interface that it fulfils, or else by its annotations."""
    arguments = generic_arguments(cls, interface) if method in vars(interface) else ()
    if arguments:
        taken, given = (*arguments, Any)[:2]
        return taken, given
    function = inspect.unwrap(getattr(cls, method, None) or _nothing)
    if not isinstance(function, FunctionType):
        return Any, Any
    namespace = Namespace(function, cls, {})
    parameters = function.__code__.co_varnames[1 : function.__code__.co_argcount]

    def read(name: str) -> Any:
        annotation = namespace.read(function.__annotations__.get(name, Any))
        return Any if isinstance(annotation, UnreadableAnnotation) else annotation

    return read(parameters[0]) if parameters else Any, read("return")


def _nothing() -> Any: ...
