from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Optional, Protocol, TypedDict, TypeVar, Union

import pytest

from cqrs_nest.buses.declared_types import fits, type_name

T = TypeVar("T")


class Todo: ...


class BigTodo(Todo): ...


class HasName(Protocol):
    name: str


class Row(TypedDict):
    name: str


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (int, int),
        (BigTodo, Todo),
        (int, int | None),
        (None, int | None),
        (int, Optional[int]),  # noqa: UP045
        (Union[int, str], int | str | None),  # noqa: UP007
        (int, float),
        (Annotated[int, "positive"], int),
        (list[int], Sequence[int]),
        (list[BigTodo], list[Todo]),
        (list[int], list),
        (Any, int),
        (int, Any),
        (Todo, HasName),
        (Row, Mapping),
        (dict, Row),
        (Literal["a"], str),
        (T, int),
        (Callable[[int], int], Callable[..., int]),
    ],
)
def test_fits(given: Any, expected: Any) -> None:
    assert fits(given, expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (int, str),
        (Todo, BigTodo),
        (int | None, int),
        (None, int),
        (list[str], list[int]),
        (list[Todo], Mapping[str, Todo]),
        (float, int),
        (str, int | None),
    ],
)
def test_does_not_fit(given: Any, expected: Any) -> None:
    assert not fits(given, expected)


def test_names() -> None:
    assert [type_name(each) for each in (Todo, int | None, list[int])] == ["Todo", "int | None", "list[int]"]
