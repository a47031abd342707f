"""What the decorators on a class and on its methods say that it handles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, NamedTuple

from cqrs_nest.buses.handlers import EVENTS_HANDLER, SAGA
from cqrs_nest.buses.messages import COMMAND_HANDLER, QUERY_HANDLER
from cqrs_nest.common.metadata import MetadataKey, own_metadata

_OF_CLASSES: Mapping[MetadataKey[Any], str] = {
    COMMAND_HANDLER: "execute",
    QUERY_HANDLER: "execute",
    EVENTS_HANDLER: "handle",
}
_OF_METHODS: Sequence[MetadataKey[Any]] = (COMMAND_HANDLER, QUERY_HANDLER, SAGA)


class Declaration(NamedTuple):
    """A decorator's key, the message or messages it names, and the method to call with them."""

    key: MetadataKey[Any]
    messages: Any
    method: str
    function: FunctionType | None = None
    """What is decorated; None for a decorated class."""


class DeclarationReader:
    """Reads the declarations of classes; what bases share is read once."""

    def __init__(self) -> None:
        self._known: dict[type[Any], Sequence[Declaration]] = {}

    def read(self, cls: type[Any]) -> list[Declaration]:
        """What `cls` declares itself or inherits and does not replace."""
        found: list[Declaration] = []
        for owner in cls.__mro__:
            for declaration in self._own(owner):
                if declaration.function is None:
                    is_replaced = any(declaration.key is each.key for each in found if each.function is None)
                else:
                    is_replaced = _attribute(cls, declaration.method) is not declaration.function
                if not is_replaced:
                    found.append(declaration)
        return found

    def _own(self, owner: type[Any]) -> Sequence[Declaration]:
        known = self._known.get(owner)
        if known is None:
            known = self._known[owner] = (*_of_class(owner), *_of_methods(owner))
        return known


def _of_class(owner: type[Any]) -> Iterator[Declaration]:
    for key, messages in own_metadata(owner).items():
        if key in _OF_CLASSES:
            yield Declaration(key, messages, _OF_CLASSES[key])


def _of_methods(owner: type[Any]) -> Iterator[Declaration]:
    for name, member in vars(owner).items():
        if isinstance(member, FunctionType) and (metadata := own_metadata(member)):
            for key in _OF_METHODS:
                if key in metadata:
                    yield Declaration(key, metadata[key], name, member)


def _attribute(cls: type[Any], name: str) -> object:
    # Not getattr, which may run code of the class, such as a property of its metaclass.
    return next(vars(owner)[name] for owner in cls.__mro__ if name in vars(owner))
