from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from cqrs_nest.buses import (
    EventType,
    EventTypes,
    HandlerSetupError,
    MessageContext,
    context_of,
    encode_event,
    event_message,
    valid_traceparent,
)


@EventType("todo.created")
@dataclass(frozen=True)
class TodoCreated:
    name: str
    at: datetime


@EventType("todo.created", version=2)
class TodoCreated2(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    todo_name: str


NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


def test_an_event_comes_back_as_the_same_object() -> None:
    types = EventTypes([TodoCreated, TodoCreated2])
    for event in (TodoCreated("milk", NOON), TodoCreated2(todo_name="milk")):
        assert types.decode(encode_event(event)) == event
    assert encode_event(TodoCreated2(todo_name="milk"))["data"] == {"todoName": "milk"}


def test_an_unknown_version_is_read_as_the_newest() -> None:
    newer = {"eventType": "todo.created", "schemaVersion": 3, "data": {"todoName": "milk", "more": 1}}
    assert EventTypes([TodoCreated, TodoCreated2]).decode(newer) == TodoCreated2(todo_name="milk")


def test_a_type_that_nobody_listens_to_is_none() -> None:
    assert EventTypes([]).decode(encode_event(TodoCreated("milk", NOON))) is None


def test_wrong_data_is_refused() -> None:
    with pytest.raises(ValidationError):
        EventTypes([TodoCreated]).decode({"eventType": "todo.created", "schemaVersion": 1, "data": {}})


def test_two_classes_with_one_name_are_an_error() -> None:
    @EventType("todo.created")
    class Again(BaseModel): ...

    with pytest.raises(HandlerSetupError, match=r"both version 1 of the event 'todo\.created'"):
        EventTypes([TodoCreated, Again])


def test_who_listens_to_a_base_gets_what_extends_it() -> None:
    class Changed:
        __slots__ = ()

    class Renamed(Changed):
        __slots__ = ()

    @dataclass(frozen=True, slots=True)
    @EventType("deeply.renamed")
    class DeeplyRenamed(Renamed):
        name: str

    types = EventTypes([Changed, Renamed])
    assert types.decode(encode_event(DeeplyRenamed("milk"))) == DeeplyRenamed("milk")

    @EventType("deeply.renamed")
    class Again(Changed): ...

    with pytest.raises(HandlerSetupError, match=r"both version 1 of the event 'deeply\.renamed'"):
        EventTypes([Changed])
    assert EventTypes([object]).decode(encode_event(DeeplyRenamed("milk"))) is None
    assert EventTypes([Renamed]).decode(encode_event(DeeplyRenamed("milk"))) == DeeplyRenamed("milk")


def test_classes_without_a_name_stay_inside() -> None:
    class Inner(BaseModel): ...

    class Subclass(TodoCreated2): ...

    assert EventTypes([Inner, Subclass]).decode({"eventType": "Inner"}) is None
    with pytest.raises(TypeError, match=r'Inner has no name outside .* @EventType\("<name>"\)'):
        encode_event(Inner())
    with pytest.raises(TypeError, match="Subclass has no name"):
        encode_event(Subclass(todo_name=""))


def test_a_class_that_is_no_data_is_refused() -> None:
    @EventType("plain")
    class Plain: ...

    with pytest.raises(TypeError, match="make it a dataclass or a pydantic model"):
        encode_event(Plain())


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_message_carries_its_context() -> None:
    context = MessageContext("r1", "ann", "acme", TRACE)
    message = event_message(encode_event(TodoCreated("milk", NOON)), context, id="e1", time="now")
    assert context_of(message) == context
    assert (message["action"], message["id"], message["schemaVersion"]) == ("event", "e1", 1)


@pytest.mark.parametrize(
    "text", [None, 1, "", TRACE + "x", TRACE.upper(), TRACE.replace("00f067aa0ba902b7", "0" * 16)]
)
def test_what_is_no_trace_context_is_dropped(text: Any) -> None:
    assert valid_traceparent(text) is None
