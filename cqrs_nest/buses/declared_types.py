"""Whether the type that one place declares may stand where another place declares another."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin, is_typeddict

_PROMOTED: Mapping[type[Any], tuple[type[Any], ...]] = {float: (int,), complex: (int, float)}
"""What type checkers accept for a number although it is no subclass."""


def fits(given: Any, expected: Any) -> bool:
    """Whether a value of the type `given` is one of the type `expected`; True where that cannot be told.

    >>> fits(int, int | None), fits(list[bool], list[int]), fits(str, int)
    (True, True, False)
    """
    if given is expected:
        return True
    given, expected = _plain(given), _plain(expected)
    if given == expected:
        return True
    if _is_union(given):
        return all(fits(member, expected) for member in get_args(given))
    if _is_union(expected):
        return any(fits(given, member) for member in get_args(expected))
    given_class, expected_class = get_origin(given) or given, get_origin(expected) or expected
    if not (_is_checkable(given_class) and _is_checkable(expected_class)):
        return True
    if not issubclass(given_class, (expected_class, *_PROMOTED.get(expected_class, ()))):
        return False
    if given_class is not expected_class:
        return True
    arguments = zip(get_args(given), get_args(expected), strict=False)
    return all(fits(one, other) for one, other in arguments)


def type_name(annotation: Any) -> str:
    """The type as an error shows it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__
    return str(annotation)


def _plain(annotation: Any) -> Any:
    if annotation is None:
        return types.NoneType
    return annotation.__origin__ if get_origin(annotation) is Annotated else annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _is_checkable(cls: Any) -> bool:
    """A class whose subclasses Python can tell; not `Any`, a type variable, a Literal or a protocol."""
    if not isinstance(cls, type) or cls is Any:
        return False
    return not getattr(cls, "_is_protocol", False) and not is_typeddict(cls)
