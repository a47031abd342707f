"""What the decorators on a class and on its methods say that it handles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """Reads the declarations of classes; what classes of the same bases inherit is read once."""

    def __init__(self) -> None:
        self._inherited: dict[tuple[type[Any], ...], Sequence[Declaration]] = {}

    def read(self, cls: type[Any]) -> list[Declaration]:
        """What `cls` declares itself or inherits and does not replace."""
        found = _own(cls)
        inherited = self._inherited.get(cls.__bases__)
        if inherited is None:
            inherited = [each for base in cls.__mro__[1:] for each in _own(base)]
            self._inherited[cls.__bases__] = inherited
        for each in inherited:
            if not _is_replaced(each, cls, found):
                found.append(each)
        return found


def _own(owner: type[Any]) -> list[Declaration]:
    found = [
        Declaration(key, messages, _OF_CLASSES[key])
        for key, messages in own_metadata(owner).items()
        if key in _OF_CLASSES
    ]
    for name, member in owner.__dict__.items():
        if type(member) is FunctionType and (metadata := own_metadata(member)):
            found += [Declaration(key, metadata[key], name, member) for key in _OF_METHODS if key in metadata]
    return found


def _is_replaced(inherited: Declaration, cls: type[Any], nearer: Sequence[Declaration]) -> bool:
    if inherited.function is None:
        return any(inherited.key is each.key for each in nearer if each.function is None)
    return _attribute(cls, inherited.method) is not inherited.function


def _attribute(cls: type[Any], name: str) -> object:
    # Not getattr, which may run code of the class, such as a property of its metaclass.
    return next(vars(owner)[name] for owner in cls.__mro__ if name in vars(owner))
