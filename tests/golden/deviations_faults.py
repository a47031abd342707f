"""What comes of failures, races and holes here; the reasons are in deviations.yaml."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cqrs_nest.aws.dynamodb import deserialize_item
from cqrs_nest.commands.rows import command_of_data
from tests.golden.deviations import NAMES, adjustment
from tests.golden.deviations_published import published
from tests.golden.recordings import encode
from tests.golden.replay import Observation, Replayed, RowId

FINISHED, STARTED, OWED = "finish:FINISHED", "publish_sync:STARTED", "messagesOwed"
HANDLED_TABLES = ("todo", "dup")
"""The tables with custom handlers."""
_CONFLICT = "ConditionalCheckFailedException"


def half_written(replayed: Replayed) -> bool:
    """Whether one of the writes failed that are one transaction here."""
    return any(call["op"] == "PutItem" for call in replayed.step.injected_errors)


def failed_after_commit(replayed: Replayed) -> bool:
    """Whether only a message or a note failed, or a read that is not made here: any but the first."""
    step = replayed.step
    failed = {call["op"] for call in step.injected_errors}
    return (
        step.error is not None
        and bool(failed)
        and failed <= {"GetItem", "UpdateItem", "Publish"}
        and step.calls[0]["ok"]
    )


def newest(replayed: Replayed) -> dict[str, Any] | None:
    """The newest command, where it is another than the recorded one."""
    key = replayed.step.calls[0]["input"]["Key"]
    prefix, sk = f"local-demo-{replayed.step.table}", key["sk"]["S"]
    rows = [
        deserialize_item(row)
        for (table, _, row_sk), row in replayed.before.items()
        if table == f"{prefix}-command" and row_sk.rpartition("@")[0] == sk
    ]
    rows += [
        command_of_data(deserialize_item(row))
        for (table, _, row_sk), row in replayed.before.items()
        if table == f"{prefix}-data" and row_sk == sk
    ]
    found = max(rows, key=lambda row: int(row["version"]), default=None)
    recorded = replayed.recorded.result or {"version": 0}
    return found if found and found["version"] > recorded["version"] else None


def is_ghost(replayed: Replayed) -> bool:
    """Whether there is no such command."""
    update = replayed.step.calls[0]["input"]
    key = update["Key"]
    return (update["TableName"], key["pk"]["S"], key["sk"]["S"]) not in replayed.before


def is_sync_before(replayed: Replayed) -> bool:
    """Whether the command before the one of an execution is a synchronous one."""
    record = replayed.step.recorded["args"]["input"].get("dynamodb", {})
    keys = record.get("Keys") or record.get("NewImage")
    base, _, version = keys["sk"]["S"].rpartition("@")
    table = f"local-demo-{replayed.step.table}-command"
    before = replayed.before.get((table, keys["pk"]["S"], f"{base}@{int(version) - 1}"))
    return before is not None and before.get("syncMode") == {"S": "SYNC"}


def failed_call(replayed: Replayed, error: dict[str, Any]) -> str | None:
    """The operation of AWS whose error the step ended with."""
    failed = [call["op"] for call in replayed.step.calls if call.get("error") == error["name"]]
    return failed[0] if failed else None


NAMES.update(
    half_written=half_written,
    failed_after_commit=failed_after_commit,
    newest=newest,
    is_ghost=is_ghost,
    is_sync_before=is_sync_before,
    failed_call=failed_call,
)


@adjustment
def not_waiting(replayed: Replayed, expected: Observation) -> None:
    expected.result = [[{"result": 0}]]


@adjustment
def named_call(replayed: Replayed, expected: Observation) -> None:
    error = expected.result["$error"]
    operation = failed_call(replayed, error)
    text = f"An error occurred ({error['name']}) when calling the {operation} operation: {error['message']}"
    for alarm in expected.alarms:
        alarm["Body"] = alarm["Body"].replace(
            f"{error['name']}: {error['message']}", f"{error['name']}: {text}"
        )


@adjustment
def nothing_written(replayed: Replayed, expected: Observation) -> None:
    expected.rows, expected.messages = replayed.before, []


@adjustment
def committed(replayed: Replayed, expected: Observation) -> None:
    published(replayed, expected)
    failed = {call["op"] for call in replayed.step.injected_errors}
    if not failed & {"UpdateItem", "Publish"}:
        return
    row_id = next(row_id for row_id in expected.rows if row_id not in replayed.before and _is_command(row_id))
    is_noted = "UpdateItem" not in failed or replayed.step.table not in HANDLED_TABLES
    status = {"S": FINISHED if is_noted else STARTED}
    expected.rows[row_id] = {**expected.rows[row_id], "status": status, OWED: {"BOOL": True}}
    if "Publish" in failed:
        expected.messages = []


@adjustment
def owed(replayed: Replayed, expected: Observation) -> None:
    row_id = _command_id(replayed)
    assert row_id is not None
    expected.rows[row_id] = {**expected.rows[row_id], OWED: {"BOOL": True}}


@adjustment
def named_conflicts(replayed: Replayed, expected: Observation) -> None:
    old, new = f"409 {_CONFLICT}", "409 VersionConflictException"
    expected.result = {new if name == old else name: count for name, count in expected.result.items()}
    if "latest" in replayed.step.label.lower() and replayed.actual is not replayed.recorded:
        # Who comes after another one has won builds on that, and wins as well.
        ended, count = replayed.actual.result, sum(expected.result.values())
        assert set(ended) == set(expected.result)
        assert sum(ended.values()) == count
        expected.result = ended
    # Neither rows nor messages were recorded: what went through must have left a whole item.
    expected.rows, expected.messages = replayed.actual.rows, replayed.actual.messages
    for table in {row_id[0] for row_id in expected.rows if row_id[0].endswith("-data")}:
        for (_, pk, sk), row in ((i, r) for i, r in expected.rows.items() if i[0] == table):
            commands = table.removesuffix("-data") + "-command"
            versions = {i[2] for i in expected.rows if i[:2] == (commands, pk) and i[2].startswith(f"{sk}@")}
            assert versions == {f"{sk}@{n}" for n in range(1, int(row["version"]["N"]) + 1)}


@adjustment
def newest_command(replayed: Replayed, expected: Observation) -> None:
    expected.result = encode(newest(replayed))


@adjustment
def handled_once(replayed: Replayed, expected: Observation) -> None:
    entries = expected.result
    once = [entry for place, entry in enumerate(entries) if place == 0 or entry != entries[place - 1]]
    versions = Counter[str]()
    for entry in once:
        versions[entry["sk"]] += 1
        entry["sk"] += f"@{versions[entry['sk']]}"
    expected.result = once


@adjustment
def no_command(replayed: Replayed, expected: Observation) -> None:
    http = {
        "status": 409,
        "body": {"statusCode": 409, "message": f"{_CONFLICT}: The conditional request failed"},
    }
    error = {"name": _CONFLICT, "message": "The conditional request failed", "http": http}
    expected.result = {"$error": error}
    expected.rows, expected.messages = replayed.before, []


def _command_id(replayed: Replayed) -> RowId | None:
    """The command that the step has made."""
    made = [row_id for row_id in replayed.recorded.rows if row_id not in replayed.before]
    return next(filter(_is_command, made), None)


def _is_command(row_id: RowId) -> bool:
    return row_id[0].endswith("-command")
