"""Commands that stand still are found and carried on, also in the middle of everything else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from cqrs_nest.events import EventService
from cqrs_nest.pipeline import CommandRecovery, RecoveryFailedError, RecoveryPart, RecoveryResult
from cqrs_nest.pipeline.errors import LostCommandError
from tests.pipeline.test_stream_driver import statuses

if TYPE_CHECKING:
    from tests.pipeline.conftest import Service

LIMIT = timedelta(minutes=15)


async def recover(service: Service, older_than: timedelta = timedelta(0)) -> RecoveryResult:
    recovery, result = service.container.get(CommandRecovery), RecoveryResult()
    parts, _ = await recovery.parts()
    for part in parts:
        result.add(await recovery.recover(part, older_than))
    return result


def schedule(name: str = "dev-recover-commands", **detail: Any) -> dict[str, Any]:
    """The event of an EventBridge rule with a schedule."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "ap-northeast-1",
        "resources": [f"arn:aws:events:ap-northeast-1:123456789012:rule/{name}"],
        "detail": detail,
    }


async def test_commands_that_no_stream_brought_are_applied_in_order(service: Service) -> None:
    for sk in ("A", "B"):
        await service.publish(sk, "first")
        await service.publish(sk, "second", version=1)
    result = await recover(service)
    assert {service.status(sk) for sk in ("A@1", "A@2", "B@1", "B@2")} == {"finish:FINISHED"}
    assert (result.scanned, result.stalled, len(result.applied), result.failed) == (4, 4, 4, [])
    assert [sk for sk in service.projection.seen if sk.startswith("A")] == ["A@1", "A@2"]
    assert (await recover(service)).stalled == 0


async def test_what_is_not_old_enough_is_left_to_the_stream(service: Service) -> None:
    await service.publish("A", "first")
    assert (await recover(service, LIMIT)).stalled == 0
    with time_machine.travel(datetime.now(UTC) + LIMIT, tick=False):
        assert (await recover(service, LIMIT)).stalled == 1
    assert service.status("A@1") == "finish:FINISHED"


async def test_a_failing_command_is_reported_and_keeps_nobody_else(service: Service) -> None:
    for sk in ("A", "B"):
        await service.publish(sk, f"{sk} first")
        await service.publish(sk, f"{sk} second", version=1)
    service.projection.failing.add("A first")
    result = await recover(service)
    (failed,) = result.failed
    assert (failed.table, failed.pk, failed.sk, str(failed.error)) == (
        "todo",
        "TODO#acme",
        "A@1",
        "no room for A first",
    )
    assert service.status("B@2") == "finish:FINISHED"
    assert service.status("A@2") is None
    service.projection.failing.clear()
    assert [command.sk for command in (await recover(service)).applied] == ["A@1", "A@2"]


async def test_a_parked_command_is_carried_on_with_those_behind_it(queued: Service) -> None:
    await queued.publish("A", "first")
    await queued.publish("A", "second", version=1)
    queued.projection.failing.add("first")
    await queued.deliver(queued.record("A@1"), queued.record("A@2"))
    queued.projection.failing.clear()
    assert [command.sk for command in (await recover(queued)).applied] == ["A@1", "A@2"]
    row = queued.row("command", "A@1")
    assert row is not None
    assert not {"deadLettered", "handlersDone", "messagesOwed"} & row.keys()


async def test_messages_that_a_publish_owes_are_sent(service: Service) -> None:
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
    with service.failing("SNS", "PublishBatch"):
        await service.commands().publish_sync(row)
    service.world.messages("all-raw")
    assert [command.sk for command in (await recover(service)).applied] == ["A@1"]
    assert statuses(service.world.messages("all-raw")) == ["A@1 finish:FINISHED", "domain-event"]


async def test_a_synchronous_publish_left_to_the_stream_is_found_when_its_record_was_lost(
    service: Service,
) -> None:
    row = {"pk": "TODO#acme", "sk": "N", "id": "TODO#acme#N", "name": "first", "version": 0}
    await service.commands("note").publish_sync(row)
    record = service.record("N@1", table="note")
    assert service.world.messages("all-raw") == []
    assert [command.sk for command in (await recover(service)).applied] == ["N@1"]
    assert statuses(service.world.messages("all-raw")) == ["N@1 finish:FINISHED", "domain-event"]
    assert await service.deliver(record) == []
    assert service.world.messages("all-raw") == []


async def test_a_command_that_can_never_be_applied_is_left_alone(service: Service) -> None:
    await service.publish("A", "first")
    await service.deliver(service.record("A@1"))
    other = service.record("A@1", requestId={"S": "another request"})
    service.world.dynamodb.put_item(TableName="local-demo-todo-command", Item=other["dynamodb"]["NewImage"])
    assert len((await recover(service)).applied) == 1
    assert service.status("A@1") == "check_version:FAILED"
    assert (await recover(service)).stalled == 0


async def test_it_is_safe_beside_the_stream_and_beside_itself(service: Service) -> None:
    for sk in ("A", "B", "C"):
        await service.publish(sk, "first")
        await service.publish(sk, "second", version=1)
    records = [service.record(f"{sk}@{version}") for sk in ("A", "B", "C") for version in (1, 2)]
    outcomes = await asyncio.gather(recover(service), service.deliver(*records), recover(service))
    assert outcomes[1] == []
    assert [outcome.failed for outcome in outcomes[::2]] == [[], []]
    for sk in ("A", "B", "C"):
        data, history = service.row("data", sk), service.row("history", f"{sk}@1")
        assert data is not None
        assert history is not None
        assert (data["name"], history["name"]) == ({"S": "second"}, {"S": "first"})
        assert service.status(f"{sk}@2") == "finish:FINISHED"


async def test_a_large_table_is_worked_off_in_parts(service: Service) -> None:
    def enlarge(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Table"].update(TableSizeBytes=600_000_000, ItemCount=7)

    service.client("dynamodb").meta.events.register("after-call.dynamodb.DescribeTable", enlarge)
    recovery = service.container.get(CommandRecovery)
    assert await recovery.parts(["todo"]) == ([RecoveryPart("todo", segment, 3) for segment in range(3)], 7)
    await service.publish("A", "first")
    # The emulator gives all rows for each segment: what is done already is left alone.
    for part in (await recovery.parts(["todo"]))[0]:
        assert (await recovery.recover(part, timedelta(0))).failed == []
    assert service.projection.seen == ["A@1"]
    with pytest.raises(
        LookupError, match="registers the table 'tood'; registered are: todo, note, dup, master"
    ):
        await recovery.parts(["tood"])


async def test_a_schedule_starts_it(service: Service) -> None:
    await service.publish("A", "first")
    events = service.container.get(EventService)
    await events.handle(schedule(olderThanMinutes=0))
    assert service.status("A@1") == "finish:FINISHED"

    await service.publish("A", "second", version=1)
    custom = {**schedule(), "detail-type": "Recover Commands", "resources": []}
    await events.handle(custom)
    assert service.status("A@2") is None
    service.projection.failing.add("second")
    with pytest.raises(
        RecoveryFailedError, match=r"todo TODO#acme A@2: RuntimeError\('no room for second'\)"
    ):
        await events.handle({**custom, "detail": {"olderThanMinutes": 0}})


async def test_another_schedule_is_not_taken_for_it(service: Service) -> None:
    with pytest.raises(LookupError, match="ScheduledEvent"):
        await service.container.get(EventService).handle(schedule("nightly-report"))


async def test_a_schedule_ends_before_the_function_does(service: Service) -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 1

    for table in ("todo", "dup"):
        await service.publish("A", "first", table=table)
    await service.container.get(EventService).handle(schedule(olderThanMinutes=0), Context())
    # One part at least, whatever the time; the others are another run's.
    finished = [service.status("A@1", table) for table in ("todo", "dup")]
    assert finished.count("finish:FINISHED") < 2


async def test_an_execution_that_waits_is_resumed_and_the_command_left_to_it(executions: Service) -> None:
    resumed: list[str] = []
    client = executions.client("stepfunctions")

    def succeed(params: Any, **_: Any) -> Any:
        resumed.append(params["body"])
        return _answer(200), {}

    await executions.publish("A", "first")
    await executions.publish("A", "second", version=1)
    executions.set("A@2", taskToken={"S": "token of A@2"}, status={"S": "wait_prev_command:FINISHED"})
    client.meta.events.register("before-call.sfn.SendTaskSuccess", succeed)
    result = await recover(executions)
    # The first has no execution that could go on: it is applied here; then the second may go on.
    assert executions.status("A@1") == "finish:FINISHED"
    assert executions.status("A@2") == "wait_prev_command:FINISHED"
    assert "token of A@2" in str(resumed[0])
    assert result.failed == []


async def test_a_command_whose_execution_has_ended_is_applied_here(executions: Service) -> None:
    def refuse(**_: Any) -> Any:
        return _answer(400), {
            "Error": {"Code": "TaskDoesNotExist", "Message": "gone"},
            "ResponseMetadata": {},
        }

    await executions.publish("A", "first")
    executions.set("A@1", taskToken={"S": "token"}, status={"S": "wait_prev_command:FINISHED"})
    client = executions.client("stepfunctions")
    client.meta.events.register("before-call.sfn.SendTaskSuccess", refuse)
    assert [command.sk for command in (await recover(executions)).applied] == ["A@1"]
    assert executions.status("A@1") == "finish:FINISHED"


def _answer(status: int) -> Any:
    class Answer:
        status_code = status

    return Answer()


async def test_a_lost_command_is_named_until_something_else_takes_its_place(service: Service) -> None:
    await service.publish("A", "first", attributes={"text": "x" * 5000})
    uri = service.record("A@1")["dynamodb"]["NewImage"]["attributes"]["S"]
    service.world.delete_object(uri.removeprefix("s3://local-bucket/"))
    for _ in range(2):
        (failed,) = (await recover(service)).failed
        assert failed.sk == "A@1"
        assert isinstance(failed.error, LostCommandError)
        assert "publish_sync on that of the data row" in str(failed.error)
    row = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "whole", "version": 0}
    published = await service.commands().publish_sync(row)
    assert published is not None
    assert published.version == 2
    assert (await recover(service)).failed == []
    assert (service.status("A@1"), service.status("A@2")) == ("check_version:FAILED", "finish:FINISHED")
    assert (await recover(service)).stalled == 0
