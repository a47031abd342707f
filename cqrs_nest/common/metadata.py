"""Typed metadata on classes and functions, and the `Reflector` that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, MappingProxyType
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
D = TypeVar("D")
TargetT = TypeVar("TargetT", bound=Callable[..., object])

_ATTRIBUTE = "__cqrs_nest_metadata__"
_EMPTY: Mapping[MetadataKey[Any], Any] = MappingProxyType({})


class MetadataKey(Generic[T]):
    """The name under which a value of type `T` is stored on a class or function.

    Two keys with the same text are different keys: identity decides, so two
    libraries can never overwrite each other's metadata.

    >>> ROLES = MetadataKey[list[str]]("roles")
    >>> ROLES
    MetadataKey('roles')
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"MetadataKey({self.name!r})"


_text_keys: dict[str, MetadataKey[Any]] = {}


def as_key(key: MetadataKey[T] | str) -> MetadataKey[T]:
    """The key itself, or the one shared key that belongs to a text."""
    if isinstance(key, str):
        return _text_keys.setdefault(key, MetadataKey(key))
    return key


def own_metadata(target: object) -> Mapping[MetadataKey[Any], Any]:
    """The metadata written on exactly this class or function, never an inherited one."""
    if isinstance(target, FunctionType):
        # Most have none, and a function that is asked for its __dict__ gets one for good.
        metadata: Mapping[MetadataKey[Any], Any] = getattr(target, _ATTRIBUTE, _EMPTY)
        return metadata
    own: Mapping[str, Mapping[MetadataKey[Any], Any]] = getattr(target, "__dict__", {})
    return own.get(_ATTRIBUTE, _EMPTY)


def define_metadata(target: object, key: MetadataKey[T], value: T) -> None:
    """Store `value` on the class or function itself."""
    setattr(target, _ATTRIBUTE, {**own_metadata(target), key: value})


@overload
def find_metadata(target: object, key: MetadataKey[T]) -> T | None: ...
@overload
def find_metadata(target: object, key: MetadataKey[T], default: D) -> T | D: ...
def find_metadata(target: object, key: MetadataKey[T], default: Any = None) -> Any:
    """The nearest value: on the function, or on the class and then up its bases."""
    owners = target.__mro__ if isinstance(target, type) else (target,)
    for owner in owners:
        values = own_metadata(owner)
        if key in values:
            return values[key]
    return default


def extend_metadata(target: object, key: MetadataKey[tuple[T, ...]], values: Sequence[T]) -> None:
    """Add to the list under `key`. Stacked decorators run bottom-up, so the lower one comes first."""
    define_metadata(target, key, (*own_metadata(target).get(key, ()), *values))


def SetMetadata(key: MetadataKey[T] | str, value: T) -> Callable[[TargetT], TargetT]:
    """Decorate a controller, a handler or any class with a value that guards and interceptors can read.

    >>> ROLES = MetadataKey[list[str]]("roles")
    >>> @SetMetadata(ROLES, ["admin"])
    ... class AdminController: ...
    >>> Reflector().get(ROLES, AdminController)
    ['admin']
    """

    def decorate(target: TargetT) -> TargetT:
        define_metadata(target, as_key(key), value)
        return target

    return decorate


def apply_decorators(*decorators: Callable[[Any], Any]) -> Callable[[TargetT], TargetT]:
    """One decorator made of several; the last of the list is applied first, as if they were stacked."""

    def decorate(target: TargetT) -> TargetT:
        for decorator in reversed(decorators):
            target = decorator(target)
        return target

    return decorate


class Reflector:
    """Reads metadata of controllers and handlers. Inject it into guards and interceptors."""

    def get(self, key: MetadataKey[T] | str, target: object) -> T | None:
        """The value on `target`, or None if there is none."""
        return find_metadata(target, as_key(key))

    def get_all(self, key: MetadataKey[T] | str, targets: Sequence[object]) -> list[T | None]:
        """One entry for each target, None where it has no value."""
        return [self.get(key, target) for target in targets]

    def get_all_and_override(self, key: MetadataKey[T] | str, targets: Sequence[object]) -> T | None:
        """The first value found. An empty list counts as a value.

        >>> ROLES = MetadataKey[list[str]]("roles")
        >>> @SetMetadata(ROLES, ["user"])
        ... class C:
        ...     @SetMetadata(ROLES, ["admin"])
        ...     def handler(self) -> None: ...
        >>> Reflector().get_all_and_override(ROLES, [C.handler, C])
        ['admin']
        """
        return next((value for value in self.get_all(key, targets) if value is not None), None)

    def get_all_and_merge(self, key: MetadataKey[list[T]] | str, targets: Sequence[object]) -> list[T]:
        """All values of all targets in one list, in the order of the targets."""
        found = self.get_all(key, targets)
        return [item for values in found if values is not None for item in values]
