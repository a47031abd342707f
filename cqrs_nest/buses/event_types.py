"""How an event is called when it leaves the process, and how it becomes an object again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import PydanticSchemaGenerationError, TypeAdapter

from cqrs_nest.buses.errors import HandlerSetupError
from cqrs_nest.common.metadata import MetadataKey, define_metadata, own_metadata

ClassT = TypeVar("ClassT", bound=type)


@dataclass(frozen=True, slots=True)
class EventTypeName:
    """A name and a schema version, such as `todo.created` 2."""

    name: str
    version: int


_EVENT_TYPE = MetadataKey[EventTypeName]("event_type")


def EventType(name: str, *, version: int = 1) -> Callable[[ClassT], ClassT]:
    """Name a class of events, a dataclass or a pydantic model, that leaves the process.

    The name is what other services know, so that the class may be renamed.

    >>> from dataclasses import dataclass
    >>> @EventType("todo.created", version=2)
    ... @dataclass(frozen=True)
    ... class TodoCreated:
    ...     name: str
    >>> encode_event(TodoCreated("milk"))
    {'eventType': 'todo.created', 'schemaVersion': 2, 'data': {'name': 'milk'}}
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, _EVENT_TYPE, EventTypeName(name, version))
        return cls

    return decorate


def event_type(cls: type[Any]) -> EventTypeName | None:
    """What a class of events is called outside of the process; None if it has no name there."""
    return own_metadata(cls).get(_EVENT_TYPE)


def encode_event(event: object) -> dict[str, Any]:
    """The event with its type, as JSON values.

    Raises TypeError for a class without `@EventType`, or one that is neither a dataclass nor a
    pydantic model.
    """
    cls: Any = type(event)
    kind = event_type(cls)
    if kind is None:
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__} has no name outside of the process: put "
            '@EventType("<name>") above the class.'
        )
    data = _adapter_of(cls).dump_python(event, mode="json", by_alias=True)
    return {"eventType": kind.name, "schemaVersion": kind.version, "data": data}


class EventTypes:
    """The classes of events that a service listens to, by the names they have outside."""

    def __init__(self, classes: Iterable[type[Any]]) -> None:
        """Raises HandlerSetupError when two classes have the same name and version.

        Subclasses that exist by now belong to them: who listens to a base hears of all that extend it.
        """
        self._classes: dict[str, dict[int, type[Any]]] = {}
        for cls in _with_subclasses(classes):
            kind = event_type(cls)
            if kind is None:
                continue
            other = self._classes.setdefault(kind.name, {}).setdefault(kind.version, cls)
            if other is not cls and not _is_left_over(cls, other):
                raise HandlerSetupError(
                    f"{other.__module__}.{other.__qualname__} and {cls.__module__}.{cls.__qualname__} are "
                    f"both version {kind.version} of the event {kind.name!r}.\n"
                    "Give one of them another name: @EventType(...)."
                )

    def decode(self, encoded: Mapping[str, Any]) -> object | None:
        """The event as an object: of the class with its schema version, else of the newest.

        None for a type that nobody here listens to. Raises pydantic's ValidationError when the
        data does not fit the class.
        """
        versions = self._classes.get(str(encoded.get("eventType")))
        if versions is None:
            return None
        cls: Any = versions.get(int(encoded.get("schemaVersion") or 1)) or versions[max(versions)]
        event: object = _adapter_of(cls).validate_python(encoded.get("data"))
        return event


def _with_subclasses(classes: Iterable[type[Any]]) -> list[type[Any]]:
    """Each class once, before its subclasses; of those the newest first. `object` extends to nothing else."""
    found = dict.fromkeys(classes)
    pending = [cls for cls in found if cls is not object]
    for cls in pending:
        subclasses = [each for each in reversed(type.__subclasses__(cls)) if each not in found]
        found.update(dict.fromkeys(subclasses))
        pending += subclasses
    return pending


def _is_left_over(cls: type[Any], other: type[Any]) -> bool:
    """Whether `@dataclass(slots=True)` made `other` of `cls`, which is still to be collected as garbage."""
    return (
        (cls.__module__, cls.__qualname__) == (other.__module__, other.__qualname__)
        and "__slots__" in vars(other)
        and "__slots__" not in vars(cls)
    )


@cache
def _adapter_of(cls: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(cls)
    except PydanticSchemaGenerationError as error:
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__} cannot leave the process as an event: make it a dataclass "
            "or a pydantic model."
        ) from error
