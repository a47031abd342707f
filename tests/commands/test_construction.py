"""Models of stored rows are what pydantic's own `model_construct` makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, PrivateAttr

from cqrs_nest.commands import CommandModel, DataEntity
from cqrs_nest.commands.construction import construct
from cqrs_nest.commands.wire_model import WireModel


class Order(WireModel):
    """A row with defaults of every kind."""

    pk: str
    line_items: list[str] = Field(default=[])
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    unit_price: float = 0.5


class WithSecret(WireModel):
    """More than fields: pydantic builds it itself."""

    pk: str
    _seen: bool = PrivateAttr(default=False)


class Renamed(WireModel):
    """Read by another name than it is written by."""

    pk: str
    due: int = Field(default=0, validation_alias="due_at", serialization_alias="due")


class Derived(WireModel):
    """A default that comes from other fields."""

    pk: str
    line_items: Any = Field(default_factory=lambda data: [data.get("pk")])


class Closed(WireModel):
    """Keeps nothing that it has no field for."""

    model_config = ConfigDict(extra="ignore")

    pk: str


MODELS: tuple[type[WireModel], ...] = (CommandModel, DataEntity, Order, WithSecret, Renamed, Derived, Closed)
names = {name for model in MODELS for name in model.model_fields}
aliases = {field.alias or name for model in MODELS for name, field in model.model_fields.items()}
rows = st.dictionaries(st.sampled_from(sorted(names | aliases | {"extra", "due_at"})), st.integers())


@given(st.sampled_from(MODELS), rows)
def test_nothing_differs(model: type[WireModel], row: dict[str, Any]) -> None:
    ours, theirs = construct(model, row), model.model_construct(**row)
    assert list(ours.__dict__.items()) == list(theirs.__dict__.items())
    assert ours.model_fields_set == theirs.model_fields_set
    assert ours.model_extra == theirs.model_extra
    assert ours.__pydantic_private__ == theirs.__pydantic_private__
    assert ours == theirs


def test_defaults_are_not_shared() -> None:
    first, second = construct(Order, {"pk": "A"}), construct(Order, {"pk": "A"})
    first.line_items.append("x")
    first.labels["a"] = "b"
    assert second.line_items == []
    assert second.labels == {}


def test_what_is_set_is_not_shared() -> None:
    first, second = construct(Order, {"pk": "A"}), construct(Order, {"pk": "A"})
    first.unit_price = 2
    assert (first.to_row(), second.to_row()) == ({"pk": "A", "unitPrice": 2.0}, {"pk": "A"})
    assert construct(Order, {"pk": "A"}).to_row() == {"pk": "A"}


def test_a_property_may_be_called_like_a_parameter() -> None:
    row = {"pk": "A", "cls": 1, "_fields_set": 2}
    assert CommandModel.from_row(row).to_row() == row


def test_what_a_row_lacks_is_absent() -> None:
    with pytest.raises(AttributeError):
        _ = construct(Order, {}).pk
