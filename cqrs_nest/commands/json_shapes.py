"""Telling objects and lists apart in values of unknown shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is an object in the sense of JSON.

    >>> is_object({}), is_object([])
    (True, False)
    """
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value is a list in the sense of JSON.

    >>> is_list((1, 2)), is_list("ab")
    (True, False)
    """
    return isinstance(value, list | tuple)
