"""Recordings that call the services below commands replay too, by TypeScript's names of arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tests.golden.extensions  # noqa: F401 - registers all operations and rules
from tests.golden.comparison import assert_replays
from tests.golden.recordings import Scenario

TABLE = "local-demo-note-data"
ROW = {"pk": {"S": "NOTE#acme"}, "sk": {"S": "N1"}, "version": {"N": "3"}, "name": {"S": "one"}}
ITEM = {"pk": "NOTE#acme", "sk": "N1", "version": 3, "name": "one"}
KEY = {"pk": "NOTE#acme", "sk": "N1"}
DATA = {TABLE: [ROW]}


def step(
    op: str, args: dict[str, Any], result: Any, tables: dict[str, Any], *wrote: tuple[str, dict[str, Any]]
) -> dict[str, Any]:
    calls = [
        {"service": "DynamoDB", "op": "PutItem", "target": table, "input": {"Item": item}, "ok": True}
        for table, item in wrote
    ]
    return {
        "label": op,
        "op": op,
        "clock": "2024-01-01T00:01:01.123Z",
        "args": args,
        "result": result,
        "apiCalls": calls,
        "after": {"tables": tables},
    }


def scenario(path: Path, *steps: dict[str, Any], **environment: str) -> Scenario:
    file = path / "services.json"
    recorded = {"env": {"TZ": "UTC", **environment}, "steps": steps}
    file.write_text(json.dumps(recorded), encoding="utf-8")
    return Scenario("services", file)


async def test_items_of_any_table(tmp_path: Path) -> None:
    missing = {"table": TABLE, "item": ITEM, "conditions": "attribute_not_exists(pk)"}
    await assert_replays(
        scenario(
            tmp_path,
            step("DynamoDbService.putItem", missing, ITEM, DATA, (TABLE, ROW)),
            step("DynamoDbService.getItem", {"table": TABLE, "key": KEY}, ITEM, DATA),
            step("DynamoDbService.getItem", {"table": TABLE, "key": {**KEY, "sk": "N2"}}, None, DATA),
            step("DynamoDbService.listItemsByPk", {"table": TABLE, "pk": KEY["pk"]}, {"items": [ITEM]}, DATA),
            step("DynamoDbService.listAllItems", {"table": TABLE, "limit": 5}, {"items": [ITEM]}, DATA),
        )
    )


async def test_a_history_row_and_a_data_row(tmp_path: Path) -> None:
    history = {**ROW, "sk": {"S": "N1@3"}, "ttl": {"NULL": True}}
    command = {**ITEM, "sk": "N1@3"}
    data = {**ROW, "cpk": ROW["pk"], "csk": {"S": "N1@3"}, "ttl": {"NULL": True}}
    await assert_replays(
        scenario(
            tmp_path,
            step(
                "HistoryService.publish (note)",
                {"data": ITEM},
                {**ITEM, "sk": "N1@3", "ttl": None},
                {**DATA, "local-demo-note-history": [history]},
                ("local-demo-note-history", history),
            ),
            step(
                "DataService.publish (note)",
                {"cmd": {**command, "ttl": None}},
                {**ITEM, "cpk": KEY["pk"], "csk": "N1@3", "ttl": None},
                {TABLE: [data]},
                (TABLE, data),
            ),
        )
    )


async def test_times_to_live_and_objects(tmp_path: Path) -> None:
    master = {
        "pk": {"S": "MASTER#acme"},
        "sk": {"S": f"TTL#{TABLE}"},
        "attributes": {"M": {"days": {"N": "2"}}},
    }
    tables = {"local-demo-master-data": [master]}
    seconds = 1704067261 + 2 * 86400
    await assert_replays(
        scenario(
            tmp_path,
            step("TtlService.calculateTtl (note)", {"type": "data", "tenantCode": "acme"}, seconds, tables),
            step("TtlService.getTtlConfiguration (note)", {"type": "data", "tenantCode": "acme"}, 2, tables),
            step(
                "S3Service.putItem",
                {"key": "a/b.json", "item": {"n": 1}},
                {"Bucket": "local-bucket", "Key": "a/b.json"},
                {},
            ),
            step("S3Service.getItem", {"key": "a/b.json"}, {"n": 1}, {}),
        )
    )


async def test_queues_executions_and_sessions(tmp_path: Path) -> None:
    queue, session = {"queueUrl": "http://127.0.0.1/000000000000/task-action-queue"}, "local-demo-session"
    sent = {
        "MD5OfMessageBody": "0cc175b9c0f1b6a831c399e269772661",
        "MessageId": "<UUID>",
        "$metadata": "<META>",
    }
    entry = {"Id": "1", "MessageBody": "a"}
    took = {"Successful": [{"Id": "1", "MessageId": "<UUID>"}], "$metadata": "<META>"}
    user = {"userId": "u1", "tenantCode": "acme", "moduleTableName": "note", "itemId": "NOTE#acme#N1"}
    row = {"pk": "u1#acme", "sk": "note#NOTE#acme#N1", "version": 3, "ttl": 1704067861}
    stored = {
        "pk": {"S": row["pk"]},
        "sk": {"S": row["sk"]},
        "version": {"N": "3"},
        "ttl": {"N": "1704067861"},
    }
    execution = "arn:aws:states:ap-northeast-1:123456789012:execution:command:one"
    started = {"executionArn": execution, "startDate": "<TS>", "$metadata": "<META>"}
    steps = [
        step("SqsService.sendMessage", {**queue, "body": "a"}, sent, {}),
        step("SqsService.sendMessageBatch", {**queue, "entries": [entry]}, took, {}),
        step("SqsService.receiveMessages", queue, {"Messages": []}, {}),
        step("SqsService.deleteMessage", {**queue, "receiptHandle": "r"}, {"$metadata": "<META>"}, {}),
        step("StepFunctionService.startExecution", {"input": {"n": 1}, "name": "one"}, started, {}),
        step("SessionService.put", {**user, "version": 3}, None, {session: [stored]}, (session, stored)),
        step("SessionService.get", user, row, {session: [stored]}),
        step("SessionService.listByUser", user, {"items": [row]}, {session: [stored]}),
    ]
    await assert_replays(scenario(tmp_path, *steps, RYW_SESSION_TTL_MINUTES="10"))
