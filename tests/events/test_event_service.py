"""Events through `EventService.handle`, with handlers and factories found in the modules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest

from cqrs_nest.common import REQUEST, Inject, Injectable, Module, Scope
from cqrs_nest.core import Container
from cqrs_nest.events import (
    BatchResponse,
    CommandStatusEvent,
    DynamoDbStreamEvent,
    EarlierRecordFailedError,
    EventBridgeEvent,
    EventFactory,
    EventHandler,
    EventHandlerNotFoundError,
    EventModule,
    EventService,
    InvalidEventHandlerError,
    KinesisEvent,
    NotificationEvent,
    S3Event,
    ScheduledEvent,
    SnsEvent,
    SqsEvent,
    StepFunctionsEvent,
)

Batch = Callable[..., dict[str, Any]]


class Seen(list[Any]):
    """What the handlers of a test saw, in order."""


@asynccontextmanager
async def service(*providers: type[Any]) -> AsyncIterator[tuple[EventService, Seen]]:
    """The event service of an application with these providers."""

    @Module(imports=[EventModule], providers=[Seen, *providers])
    class Application: ...

    container = await Container.create(Application)
    await container.initialize()
    yield container.get(EventService), container.get(Seen)
    await container.close()


def recorder(*events: type[Any], result: Any = None) -> type[Any]:
    """A handler class that records what it sees."""

    @EventHandler(*events)
    class Recorder:
        def __init__(self, seen: Seen) -> None:
            self._seen = seen

        async def execute(self, event: Any) -> Any:
            self._seen.append(event)
            return result

    return Recorder


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("SQS", SqsEvent),
        ("SNS", SnsEvent),
        ("DYNAMODB", DynamoDbStreamEvent),
        ("S3", S3Event),
        ("KINESIS", KinesisEvent),
        ("EVENT_BRIDGE", ScheduledEvent),
        ("STEP_FUNCTIONS", StepFunctionsEvent),
    ],
)
async def test_every_source_reaches_its_handler(
    source: str, expected: type[Any], samples: dict[str, Any]
) -> None:
    async with service(recorder(expected)) as (events, seen):
        await events.handle(samples[source])
    assert [type(event) for event in seen] == [expected]


@pytest.mark.parametrize("source", ["SNS", "S3", "EVENT_BRIDGE", "STEP_FUNCTIONS"])
async def test_an_event_without_a_handler_is_an_error(source: str, samples: dict[str, Any]) -> None:
    async with service() as (events, _):
        with pytest.raises(
            EventHandlerNotFoundError, match=r"The event handler for the \"\w+\" event was not found"
        ):
            await events.handle(samples[source])


async def test_the_error_names_the_event_and_the_fix(samples: dict[str, Any]) -> None:
    async with service() as (events, _):
        with pytest.raises(EventHandlerNotFoundError) as raised:
            await events.handle(samples["EVENT_BRIDGE"])
    assert "ScheduledEvent(source='aws.events')" in str(raised.value)
    assert "@EventHandler(ScheduledEvent)" in str(raised.value)


async def test_a_record_without_a_handler_fails_in_its_batch(
    sqs: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    async with service() as (events, _):
        response = await events.handle(sqs("a"))
    assert response == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert "@EventHandler(SqsEvent)" in caplog.text


async def test_handlers_run_at_once_and_results_stay_in_order(samples: dict[str, Any]) -> None:
    second_ran = asyncio.Event()

    @EventHandler(StepFunctionsEvent)
    class First:
        async def execute(self, event: StepFunctionsEvent) -> str:
            await second_ran.wait()
            return "first"

    @EventHandler(StepFunctionsEvent)
    class Second:
        async def execute(self, event: StepFunctionsEvent) -> str:
            second_ran.set()
            return "second"

    async with service(First, Second) as (events, _):
        assert await events.handle(samples["STEP_FUNCTIONS"]) == [["first", "second"]]


async def test_a_failing_handler_does_not_stop_the_other(samples: dict[str, Any]) -> None:
    @EventHandler(EventBridgeEvent)
    class Failing:
        async def execute(self, event: EventBridgeEvent) -> None:
            raise ValueError("broken")

    async with service(Failing, recorder(EventBridgeEvent)) as (events, seen):
        with pytest.raises(ValueError, match="broken"):
            await events.handle(samples["EVENT_BRIDGE"])
        assert len(seen) == 1

    async with service(Failing, type("Other", (Failing,), {})) as (events, _):
        with pytest.raises(ExceptionGroup, match="2 of 2 failed"):
            await events.handle(samples["EVENT_BRIDGE"])


STATUS = json.dumps({"action": "command-status", "content": {"status": "finish:FINISHED"}})


@pytest.mark.parametrize("base", [CommandStatusEvent, NotificationEvent, SqsEvent])
async def test_an_event_goes_to_the_nearest_class_with_handlers(base: type[Any], sqs: Batch) -> None:
    async with service(recorder(base)) as (events, seen):
        assert await events.handle(sqs(STATUS)) == {"batchItemFailures": []}
    assert [type(event) for event in seen] == [CommandStatusEvent]


async def test_handlers_of_a_base_class_do_not_see_what_a_nearer_one_handles(sqs: Batch) -> None:
    near, far = recorder(CommandStatusEvent), recorder(SqsEvent)
    async with service(near, far) as (events, seen):
        await events.handle(sqs(STATUS, "other"))
    assert sorted(type(event).__name__ for event in seen) == ["CommandStatusEvent", "SqsEvent"]


async def test_factories_are_injected_and_merged(sqs: Batch) -> None:
    class OrderEvent:
        def __init__(self, text: str) -> None:
            self.text = text

    @EventFactory()
    class Orders:
        def __init__(self, seen: Seen) -> None:
            self._seen = seen

        def transform_sqs(self, record: SqsEvent) -> list[object] | None:
            return [OrderEvent(record.body)] if record.body.startswith("order") else None

    @EventFactory()
    class Audit:
        async def transform_sqs(self, record: SqsEvent) -> list[object] | None:
            return [record] if record.body == "order 1" else None

    @EventFactory()
    class Ignored:
        def transform_sqs(self, record: SqsEvent) -> list[object] | None:
            return [] if record.body == "noise" else None

    async with service(Orders, Audit, Ignored, recorder(OrderEvent, SqsEvent)) as (events, seen):
        assert await events.handle(sqs("order 1", "order 2", "noise", "rest")) == {"batchItemFailures": []}
    texts = sorted((type(event).__name__, getattr(event, "text", "") or event.body) for event in seen)
    assert texts == [
        ("OrderEvent", "order 1"),
        ("OrderEvent", "order 2"),
        ("SqsEvent", "order 1"),
        ("SqsEvent", "rest"),
    ]


async def test_a_failing_record_fails_only_itself(sqs: Batch, caplog: pytest.LogCaptureFixture) -> None:
    @EventHandler(SqsEvent)
    class Parser:
        async def execute(self, event: SqsEvent) -> None:
            event.json()

    async with service(Parser) as (events, _):
        response = await events.handle(sqs("1", "not json", "2"))
    assert response == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert isinstance(response, BatchResponse)
    response.raise_if_all_failed()
    assert "JSONDecodeError" in caplog.text


async def test_the_stack_of_a_failure_is_logged_once(stream: Batch, caplog: pytest.LogCaptureFixture) -> None:
    problems = ["the disk is full", "the disk is full", "the disk is gone", ""]

    @EventHandler(DynamoDbStreamEvent)
    class Projection:
        async def execute(self, event: DynamoDbStreamEvent) -> None:
            if problems[0]:
                raise RuntimeError(problems[0])

    async with service(Projection) as (events, _):
        batch = stream(("T#t", "a@1"), ("T#t", "a@2"), ("T#t", "a@3"))
        while problems:
            await events.handle(batch)
            problems.pop(0)
        problems.append("the disk is full")
        await events.handle(batch)
    lines = [(record.getMessage(), record.exc_info is not None) for record in caplog.records]
    failed = "INSERT of local-demo-todo-command T#t a@1 failed at attempt {} and will be delivered again: {}"
    waiting = ("2 records behind the failed ones wait for them", False)
    assert lines == [
        (failed.format(1, "RuntimeError: the disk is full"), True),
        waiting,
        (failed.format(2, "RuntimeError: the disk is full"), False),
        waiting,
        (failed.format(3, "RuntimeError: the disk is gone"), True),
        waiting,
        (failed.format(1, "RuntimeError: the disk is full"), True),
        waiting,
    ]


async def test_a_batch_that_failed_altogether_can_be_raised(sqs: Batch) -> None:
    @EventHandler(SqsEvent)
    class Failing:
        async def execute(self, event: SqsEvent) -> None:
            raise ValueError(event.body)

    async with service(Failing) as (events, _):
        one, two = await events.handle(sqs("a")), await events.handle(sqs("a", "b"))
    with pytest.raises(ValueError, match="a"):
        one.raise_if_all_failed()
    with pytest.raises(ExceptionGroup, match="All 2 records"):
        two.raise_if_all_failed()


async def test_a_failing_stream_record_holds_back_its_key_alone(stream: Batch) -> None:
    @EventHandler(DynamoDbStreamEvent)
    class Handler:
        def __init__(self, seen: Seen) -> None:
            self._seen = seen

        async def execute(self, event: DynamoDbStreamEvent) -> None:
            self._seen.append(event.keys["sk"])
            if event.keys["sk"] == "a@2":
                raise ValueError("broken")

    rows = [("T#t", sk) for sk in ("a@1", "b@1", "a@2", "b@2", "a@3", "c@1")]
    async with service(Handler) as (events, seen):
        response = await events.handle(stream(*rows))
    assert sorted(item["itemIdentifier"] for item in response["batchItemFailures"]) == ["100003", "100005"]
    assert [sk for sk in seen if sk.startswith("a")] == ["a@1", "a@2"]
    assert [sk for sk in seen if sk.startswith("b")] == ["b@1", "b@2"]
    skipped = [item.error for item in response.failures if isinstance(item.error, EarlierRecordFailedError)]
    assert len(skipped) == 1


async def test_a_record_that_cannot_be_read_fails_alone(stream: Batch) -> None:
    @EventHandler(DynamoDbStreamEvent)
    class Handler:
        def __init__(self, seen: Seen) -> None:
            self._seen = seen

        async def execute(self, event: DynamoDbStreamEvent) -> None:
            self._seen.append(event.keys["sk"])

    async with service(Handler) as (events, seen):
        batch = stream(("T#t", "a@1"), ("T#t", "b@1"))
        batch["Records"][0]["dynamodb"]["Keys"] = {"sk": {"N": "many"}}
        response = await events.handle(batch)
    assert response["batchItemFailures"] == [{"itemIdentifier": "100001"}]
    assert seen == ["b@1"]


async def test_what_s3_sends_to_try_a_notification_is_taken() -> None:
    async with service() as (events, _):
        event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads", "RequestId": "r"}
        assert await events.handle(event) is None


async def test_stream_records_are_handled_in_the_order_of_their_shard(stream: Batch) -> None:
    async with service(recorder(DynamoDbStreamEvent)) as (events, seen):
        event = stream(*[("T#t", f"a@{version}") for version in range(1, 12)])
        event["Records"].reverse()
        await events.handle(event)
    assert [record.keys["sk"] for record in seen] == [f"a@{version}" for version in range(1, 12)]


async def test_a_handler_provided_twice_runs_once(sqs: Batch, caplog: pytest.LogCaptureFixture) -> None:
    handler = recorder(SqsEvent)

    @Module(providers=[Seen, handler])
    class First: ...

    @Module(imports=[EventModule, First], providers=[Seen, handler], exports=[Seen])
    class Application: ...

    container = await Container.create(Application)
    await container.initialize()
    await container.get(EventService).handle(sqs("a"))
    seen = [
        binding.instance
        for module in container.modules
        for binding in module.providers
        if binding.cls is Seen
    ]
    assert sorted(len(instance) for instance in seen) == [0, 1]
    assert "Recorder handles SqsEvent once, although Application and First both provide it" in caplog.text


async def test_different_keys_run_at_once_and_one_key_in_turn(stream: Batch) -> None:
    running: set[str] = set()
    both = asyncio.Event()

    @EventHandler(DynamoDbStreamEvent)
    class Handler:
        async def execute(self, event: DynamoDbStreamEvent) -> None:
            key = event.keys["sk"][0]
            assert key not in running
            running.add(key)
            if len(running) == 2:
                both.set()
            await both.wait()
            await asyncio.sleep(0)
            running.discard(key)

    async with service(Handler) as (events, _):
        response = await events.handle(stream(("T", "a@1"), ("T", "b@1"), ("T", "a@2"), ("T", "b@2")))
    assert response == {"batchItemFailures": []}


async def test_a_fifo_queue_keeps_the_order_of_a_group(sqs: Batch) -> None:
    @EventHandler(SqsEvent)
    class Handler:
        async def execute(self, event: SqsEvent) -> None:
            if event.body == "bad":
                raise ValueError("broken")

    async with service(Handler) as (events, _):
        fifo = "arn:aws:sqs:ap-northeast-1:123456789012:orders.fifo"
        ordered = await events.handle(sqs("bad", "good", "good", groups=("g", "h", "g"), queue=fifo))
        fair = await events.handle(sqs("bad", "good", "good", groups=("g", "h", "g")))
    assert ordered == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m3"}]}
    assert fair == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


async def test_request_scoped_handlers_are_built_for_each_event(sqs: Batch) -> None:
    @Injectable(scope=Scope.REQUEST)
    class Unit:
        def __init__(self, context: Annotated[Any, Inject(REQUEST)]) -> None:
            self.context = context

    @EventHandler(SqsEvent)
    class Handler:
        def __init__(self, unit: Unit, seen: Seen) -> None:
            self._unit, self._seen = unit, seen

        async def execute(self, event: SqsEvent) -> None:
            self._seen.append((self._unit, self._unit.context))

    async with service(Unit, Handler) as (events, seen):
        await events.handle(sqs("a", "b"), "the lambda context")
    assert [context for _, context in seen] == ["the lambda context"] * 2
    assert seen[0][0] is not seen[1][0]


async def refused(provider: type[Any]) -> str:
    with pytest.raises(InvalidEventHandlerError) as raised:
        async with service(provider):
            pass
    return str(raised.value)


async def test_mistakes_are_found_at_start() -> None:
    @EventHandler(SqsEvent)
    class NoExecute:
        async def handle(self, event: SqsEvent) -> None: ...

    @EventHandler(SqsEvent)
    class NotAsync:
        def execute(self, event: SqsEvent) -> None: ...

    @EventHandler()
    class NoEvent:
        async def execute(self, event: SqsEvent) -> None: ...

    @EventFactory()
    class Misspelled:
        def transform_sqss(self, record: SqsEvent) -> None: ...

    @EventFactory()
    class Empty: ...

    for wrong in (NoExecute, NotAsync):
        text = await refused(wrong)
        assert f"@EventHandler {wrong.__name__} of Application has no async method execute" in text
        assert "async def execute(self, event: SqsEvent)" in text
    assert "names no event" in await refused(NoEvent)
    assert "has transform_sqss, which nobody calls" in await refused(Misspelled)
    assert "transforms nothing" in await refused(Empty)
