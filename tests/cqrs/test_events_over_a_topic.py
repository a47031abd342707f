"""Events that leave the service over SNS and come back as objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.common import DynamicModule, ForbiddenException
from cqrs_nest.context import Invoke, current_invoke, system_context
from cqrs_nest.cqrs import (
    AggregateRoot,
    Command,
    CommandHandler,
    CommandInput,
    CommandService,
    CqrsModule,
    EventBus,
    EventPublisher,
    EventsHandler,
    EventType,
    HandlerSetupError,
    ICommandHandler,
    IEventHandler,
    MessageContext,
    Saga,
    SagaLoopError,
    SnsEventPublisher,
    acting_for,
    current_message_context,
    current_message_id,
)
from cqrs_nest.events import EventService
from cqrs_nest.pipeline import PipelineModule

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@EventType("todo.created", version=2)
@dataclass(frozen=True)
class TodoCreated:
    name: str


@EventType("todo.renamed")
@dataclass(frozen=True)
class TodoRenamed:
    name: str


class Log(list[Any]):
    """What handlers saw."""


@EventsHandler(TodoCreated, TodoRenamed)
class TodoHandler(IEventHandler[TodoCreated | TodoRenamed]):
    def __init__(self, log: Log) -> None:
        self._log = log

    async def handle(self, event: TodoCreated | TodoRenamed) -> None:
        self._log.append((event, current_message_context()))
        if event.name == "bad":
            raise ValueError("broken")


@pytest.fixture
def over_sns() -> DynamicModule:
    return CqrsModule.for_root(event_publisher=SnsEventPublisher)


@pytest.fixture
def as_alice(alice: Invoke) -> Any:
    token = current_invoke.set(alice)
    yield
    current_invoke.reset(token)


@pytest.mark.parametrize("raw", [False, True])
async def test_an_event_goes_out_and_comes_back_as_an_object(
    start: Any, over_sns: DynamicModule, as_alice: None, raw: bool
) -> None:
    service = await start(Log, TodoHandler, root=over_sns, raw=raw)
    log, bus = service.module.get(Log), service.module.get(EventBus)
    await bus.publish(TodoCreated("milk"))
    await bus.publish_all([TodoRenamed("bread"), TodoRenamed("butter")])
    assert log == [], "the publisher takes the handlers' place"

    current_invoke.set(None)
    response = await service.consume(service.receive())
    assert not response.failures
    context = MessageContext("r1", "alice", "acme", TRACE)
    events = [TodoCreated("milk"), TodoRenamed("bread"), TodoRenamed("butter")]
    assert sorted(log, key=repr) == sorted([(event, context) for event in events], key=repr)
    assert current_message_context() == MessageContext(is_system=True)


async def test_the_attributes_say_what_a_filter_policy_may_ask_for(
    start: Any, over_sns: DynamicModule, as_alice: None
) -> None:
    service = await start(root=over_sns, raw=True)
    await service.module.get(EventBus).publish(TodoCreated("milk"))
    (message,) = service.receive()
    body = json.loads(message["Body"])
    attributes = {
        name: (value["DataType"], value["StringValue"])
        for name, value in message["MessageAttributes"].items()
    }
    assert attributes == {
        "action": ("String", "event"),
        "eventType": ("String", "todo.created"),
        "id": ("String", body["id"]),
        "tenantCode": ("String", "acme"),
        "schemaVersion": ("Number", "2"),
        "traceparent": ("String", TRACE),
    }
    assert body["data"] == {"name": "milk"}
    assert (body["userId"], body["requestId"]) == ("alice", "r1")


async def test_only_what_failed_is_delivered_again(start: Any, over_sns: DynamicModule) -> None:
    service = await start(Log, TodoHandler, root=over_sns)
    await service.module.get(EventBus).publish_all([TodoCreated("bad"), TodoCreated("good")])
    messages = service.receive()
    response = await service.consume(messages)
    (failure,) = response.failures
    assert "bad" in failure.record.body
    assert isinstance(failure.error, ExceptionGroup)


async def test_types_that_nobody_listens_to_are_passed_over(start: Any, over_sns: DynamicModule) -> None:
    service = await start(root=over_sns)
    await service.module.get(EventBus).publish(TodoCreated("milk"))
    assert not (await service.consume(service.receive())).failures


async def test_data_that_does_not_fit_fails_without_being_quoted(
    start: Any, over_sns: DynamicModule, caplog: pytest.LogCaptureFixture
) -> None:
    @EventType("todo.created", version=2)
    @dataclass(frozen=True)
    class OlderTodoCreated:
        name: list[str]

    service = await start(Log, TodoHandler, root=over_sns)
    await service.module.get(EventBus).publish(OlderTodoCreated(["secret"]))
    (failure,) = (await service.consume(service.receive())).failures
    assert "eventType='todo.created'" in str(failure.error)
    assert str(failure.error).endswith("cannot be read: name: string_type")
    assert "secret" not in caplog.text


async def test_sns_itself_may_call_the_function(start: Any, over_sns: DynamicModule, as_alice: None) -> None:
    service = await start(Log, TodoHandler, root=over_sns)
    await service.module.get(EventBus).publish(TodoCreated("milk"))
    (message,) = service.receive()
    notification = json.loads(message["Body"])
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": notification}
    await service.module.get(EventService).handle({"Records": [record]})
    assert [event for event, _ in service.module.get(Log)] == [TodoCreated("milk")]


async def test_an_event_without_a_type_cannot_be_published(start: Any, over_sns: DynamicModule) -> None:
    @dataclass
    class Nameless: ...

    service = await start(root=over_sns)
    with pytest.raises(TypeError, match="has no name outside of the process"):
        await service.module.get(EventBus).publish(Nameless())


async def test_two_classes_of_one_type_stop_the_start(start: Any) -> None:
    @EventType("todo.renamed")
    @dataclass(frozen=True)
    class Again: ...

    @EventsHandler(Again)
    class AgainHandler(IEventHandler[Again]):
        async def handle(self, event: Again) -> None: ...

    with pytest.raises(HandlerSetupError, match=r"both version 1 of the event 'todo\.renamed'"):
        await start(Log, TodoHandler, AgainHandler)


class Todo(AggregateRoot[TodoCreated | TodoRenamed]):
    name = ""

    def on_todo_created(self, event: TodoCreated) -> None:
        self.name = event.name

    on_todo_renamed = on_todo_created


def todo_input(**fields: Any) -> CommandInput:
    named = {"pk": "TODO#acme", "sk": "A1", **fields}
    return CommandInput(**{"id": f"{named['pk']}#{named['sk']}", "type": "TODO", **named})


@pytest.mark.parametrize("publish", ["publish_async", "publish_sync"])
async def test_an_aggregates_events_are_saved_and_sent_with_its_command(
    start: Any, as_alice: None, publish: str
) -> None:
    service = await start(Log, TodoHandler)
    commands = service.module.get(CommandService)
    todo = Todo()
    todo.apply(TodoCreated("milk"))
    todo.apply(TodoRenamed("bread"))
    saved = await todo.commit_with(
        lambda events: getattr(commands, publish)(todo_input(name=todo.name, domain_events=events))
    )
    assert saved is not None
    assert todo.get_uncommitted_events() == []
    (row,) = service.rows("todo-command")
    assert [event["M"]["eventType"]["S"] for event in row["domainEvents"]["L"]] == [
        "todo.created",
        "todo.renamed",
    ]
    assert all("domainEvents" not in row for row in service.rows("todo-data"))

    messages = service.receive()
    assert {json.loads(json.loads(each["Body"])["Message"])["id"] for each in messages} == {
        f"local-test-todo-command#TODO#acme#A1@1#{index}" for index in (0, 1)
    }
    current_invoke.set(None)
    assert not (await service.consume(messages)).failures
    context = MessageContext("r1", "alice", "acme", TRACE)
    assert sorted(service.module.get(Log), key=repr) == sorted(
        [(TodoCreated("milk"), context), (TodoRenamed("bread"), context)], key=repr
    )


async def test_events_alone_are_a_change_and_belong_to_one_command(start: Any) -> None:
    service = await start()
    commands = service.module.get(CommandService)
    await commands.publish_sync(todo_input(name="milk", domain_events=[TodoCreated("milk")]))
    assert await commands.publish_sync(todo_input(name="milk", version=1)) is None
    second = await commands.publish_sync(
        todo_input(name="milk", version=1, domain_events=[TodoRenamed("milk")])
    )
    assert second is not None
    assert second.version == 2
    third = await commands.publish_partial_update_async(todo_input(name="bread", version=2))
    assert third is not None
    assert third.domain_events is None
    kept = {row["sk"]["S"]: "domainEvents" in row for row in service.rows("todo-command")}
    assert kept == {"A1@1": True, "A1@2": True, "A1@3": False}


async def test_events_that_cannot_be_saved_are_refused_before_anything_is_written(start: Any) -> None:
    service = await start()
    commands = service.module.get(CommandService)
    with pytest.raises(ValueError, match=r"have \d+ bytes and may have 50000"):
        await commands.publish_async(todo_input(domain_events=[TodoCreated("x" * 60_000)]))
    with pytest.raises(TypeError, match="has no name outside"):
        await commands.publish_async(todo_input(domain_events=[object()]))
    assert service.rows("todo-command") == []


async def test_events_that_sns_does_not_take_come_with_the_pipeline(start: Any) -> None:
    service = await start(Log, TodoHandler, imports=[PipelineModule])
    restore_topic = service.lose_topic()
    await service.module.get(CommandService).publish_async(todo_input(domain_events=[TodoCreated("milk")]))
    restore_topic()
    assert service.receive() == []
    await service.module.get(EventService).handle(stream_event(service.rows("todo-command")))
    assert not (await service.consume(service.receive())).failures
    assert [event for event, _ in service.module.get(Log)] == [TodoCreated("milk")]


def stream_event(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as the command table's stream brings them."""
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/local-test-todo-command"
    return {
        "Records": [
            {
                "eventID": f"e{number}",
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "eventSourceARN": f"{table}/stream/2024-01-01T00:00:00.000",
                "dynamodb": {
                    "Keys": {"pk": row["pk"], "sk": row["sk"]},
                    "NewImage": row,
                    "SequenceNumber": str(number),
                },
            }
            for number, row in enumerate(rows)
        ]
    }


@dataclass(frozen=True)
class Remind(Command[None]):
    name: str


@CommandHandler(Remind)
class RemindHandler(ICommandHandler[Remind, None]):
    def __init__(self, log: Log, commands: CommandService) -> None:
        self._log = log
        self._commands = commands

    async def execute(self, command: Remind) -> None:
        published = await self._commands.publish_async(todo_input(sk="R1", name=command.name))
        assert published is not None
        self._log.append((published.created_by, published.request_id))
        with pytest.raises(ForbiddenException):
            await self._commands.publish_async(todo_input(pk="TODO#other"))


@dataclass(frozen=True)
class Follow(Command[None]):
    name: str


class Sagas:
    @Saga(TodoCreated)
    async def remind(self, event: TodoCreated) -> Remind:
        return Remind(event.name)


async def test_what_an_event_causes_is_done_for_the_user_who_caused_it(
    start: Any, over_sns: DynamicModule, as_alice: None
) -> None:
    service = await start(Log, RemindHandler, Sagas, root=over_sns)
    todo = service.module.get(EventPublisher).merge_object_context(Todo())
    todo.apply(TodoCreated("milk"))
    await todo.commit()
    current_invoke.set(None)
    assert not (await service.consume(service.receive())).failures
    assert service.module.get(Log) == [("alice", "r1")]


async def test_a_caller_without_identity_does_not_become_the_system(start: Any) -> None:
    service = await start()
    commands = service.module.get(CommandService)
    for nobody in (MessageContext(), MessageContext(request_id="r1"), MessageContext(user_id="ann")):
        with acting_for(nobody), pytest.raises(ForbiddenException):
            await commands.publish_async(todo_input())
    with acting_for(MessageContext(is_system=True)):
        assert await commands.publish_async(todo_input()) is not None


class WritingHandler(IEventHandler[TodoCreated]):
    def __init__(self, log: Log, commands: CommandService) -> None:
        self._log, self._commands = log, commands

    async def handle(self, event: TodoCreated) -> None:
        self._log.append(current_message_context())
        await self._commands.publish_async(todo_input(pk="TODO#any", sk=event.name))


async def test_the_system_is_who_says_so_and_a_message_that_names_nobody_has_no_rights(
    start: Any, over_sns: DynamicModule
) -> None:
    service = await start(Log, EventsHandler(TodoCreated)(WritingHandler), root=over_sns, raw=True)
    bus, log = service.module.get(EventBus), service.module.get(Log)
    await bus.publish(TodoCreated("by no request"))
    (message,) = service.receive()
    assert not (await service.consume([message])).failures

    with system_context("nightly"):
        await bus.publish(TodoCreated("by a job"))
    assert not (await service.consume(service.receive())).failures
    assert log == [
        MessageContext(is_system=True),
        MessageContext(user_id="system:nightly", is_system=True),
    ]

    for said in (None, "true", 1):
        body = {**json.loads(message["Body"]), "system": said}
        (failure,) = (await service.consume([{**message, "Body": json.dumps(body)}])).failures
        assert isinstance(failure.error.exceptions[0], ForbiddenException)
    assert log[-1] == MessageContext()


@EventsHandler(TodoCreated)
class OnceHandler(IEventHandler[TodoCreated]):
    """Writes, and fails once afterwards."""

    def __init__(self, log: Log, commands: CommandService) -> None:
        self._log, self._commands = log, commands

    async def handle(self, event: TodoCreated) -> None:
        self._log.append(current_message_id())
        await self._commands.publish_async(todo_input(name=event.name), request_id=current_message_id())
        if len(self._log) == 1:
            raise ConnectionError("after the write")


async def test_the_messages_id_makes_a_repetition_find_what_the_first_delivery_wrote(
    start: Any, over_sns: DynamicModule, as_alice: None
) -> None:
    service = await start(Log, OnceHandler, root=over_sns, raw=True)
    await service.module.get(EventBus).publish(TodoCreated("milk"))
    messages = service.receive()
    assert len((await service.consume(messages)).failures) == 1
    assert not (await service.consume(messages)).failures
    assert service.module.get(Log) == [json.loads(messages[0]["Body"])["id"]] * 2
    assert [row["sk"]["S"] for row in service.rows("todo-command")] == ["A1@1"]
    assert current_message_id() is None


class Loop:
    """Each event leads to a command, which publishes the event again: over the topic, or with a row."""

    def __init__(self, events: EventBus, commands: CommandService) -> None:
        self._events, self._commands = events, commands

    @Saga(TodoCreated)
    async def follow(self, event: TodoCreated) -> Follow:
        return Follow(event.name)

    @Follow.handler
    async def again(self, command: Follow) -> None:
        if command.name == "published":
            await self._events.publish(TodoCreated(command.name))
        else:
            events = [TodoCreated(command.name)]
            await self._commands.publish_async(todo_input(version=-1, domain_events=events))


@pytest.mark.parametrize("name", ["published", "saved"])
async def test_a_saga_loop_over_the_topic_is_bounded(
    start: Any, over_sns: DynamicModule, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("cqrs_nest.buses.event_delivery.SAGA_DEPTH_LIMIT", 3)
    service = await start(Loop, root=over_sns, raw=True)
    await service.module.get(EventBus).publish(TodoCreated(name))
    depths: list[int] = []
    response = None
    while messages := service.receive():
        depths += [json.loads(each["Body"]).get("sagaDepth", 0) for each in messages]
        response = await service.consume(messages)
    assert depths == [0, 1, 2, 3]
    (failure,) = response.failures
    assert isinstance(failure.error, SagaLoopError)
    assert str(failure.error).startswith("Loop.follow was reached through 3 commands in a row")
