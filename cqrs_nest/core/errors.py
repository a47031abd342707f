"""What can be wrong with an application before, and while, it is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cqrs_nest.core.bindings import Binding, ModuleNode


class CqrsNestError(Exception):
    """Base of the errors that stop an application from starting. Each is one readable block."""


class InvalidModuleError(CqrsNestError):
    """A module lists something that has no place there."""


class InvalidProviderError(CqrsNestError):
    """An entry of `providers` is not a class and not a `provide(...)`."""


class UnknownExportError(CqrsNestError):
    """A module exports what is neither its own provider nor an imported module."""


class UnresolvedDependencyError(CqrsNestError):
    """A parameter asks for something that its module cannot see."""


class CircularDependencyError(CqrsNestError):
    """Classes need each other to be built."""


class UnknownProviderError(CqrsNestError, LookupError):
    """`get` or `resolve` was asked for a token that nobody provides."""


class UnknownModuleError(CqrsNestError, LookupError):
    """`select` was asked for a module that is not part of the application."""


class ProviderScopeError(CqrsNestError):
    """A provider was asked for in a way that its scope does not allow."""


class StartCancelledError(CqrsNestError):
    """The start of an application ended before it was done."""


class HandlerCancelledError(RuntimeError):
    """A handler ended with the cancellation of something that it awaited; nobody had cancelled its caller."""


class NotBuiltYetError(CqrsNestError):
    """Something was fetched, during start-up, before its constructor's turn had come."""

    def __init__(self, binding: Binding) -> None:
        super().__init__(
            f"{binding!r} has not been built yet: take it as a constructor parameter, or fetch it in "
            "on_module_init"
        )
        self.binding = binding


def wrong_entry(node: ModuleNode, place: str, index: int, reason: str, fix: str | None = None) -> str:
    """The text for an entry of a module's `imports`, `providers`, `controllers` or `exports`."""
    headline = f"{node.name} has a wrong entry at index [{index}] of its {place}."
    return error_text(headline, {"reason": reason, "module path": " -> ".join(node.path), "fix": fix})


def error_text(headline: str, facts: Mapping[str, str | None]) -> str:
    """A headline and one aligned line for each fact that is known.

    >>> print(error_text("Cannot build A.", {"module": "App", "hint": None}))
    Cannot build A.
      module: App
    """
    known = {name: text for name, text in facts.items() if text is not None}
    width = max((len(name) for name in known), default=0) + 1
    return "\n".join([headline, *(f"  {f'{name}:':<{width}} {text}" for name, text in known.items())])
