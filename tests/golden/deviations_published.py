"""Updates that go through here and do not there; the reasons are in deviations.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import to_local_iso, to_utc_iso
from cqrs_nest.aws.dynamodb import deserialize_item, serialize, serialize_item
from cqrs_nest.commands.merge import merge
from cqrs_nest.commands.rows import data_row, merge_base
from tests.golden.deviations import NAMES, adjustment
from tests.golden.operations import stored_input
from tests.golden.recordings import encode
from tests.golden.replay import Observation, Replayed

POLLUTING = "__proto__"
_OF_A_VERSION = (
    *(f"{done}{how}" for done in ("created", "updated") for how in ("At", "By", "Ip")),
    "requestId",
    "source",
    "cpk",
    "csk",
)


def is_polluting(given: Mapping[str, Any]) -> bool:
    """Whether an input names the prototype of JavaScript's objects."""
    attributes = given.get("attributes")
    return isinstance(attributes, Mapping) and POLLUTING in attributes


NAMES.update(is_polluting=is_polluting)


@adjustment
def published(replayed: Replayed, expected: Observation) -> None:
    """The next version: as it was given, or merged into what is stored."""
    recorded = replayed.step.recorded["args"]
    given = recorded.get("input") or stored_input(replayed.step, replayed.before)
    if "PartialUpdate" in str(replayed.step.operation):
        given = merge(merge_base(_stored_row(replayed, given), given), given)
    _publish(replayed, expected, given)


def _stored_row(replayed: Replayed, given: Mapping[str, Any]) -> dict[str, Any]:
    """The data row of an item; empty when there is none."""
    table = f"local-demo-{replayed.step.table}-data"
    row = replayed.before.get((table, given["pk"], given["sk"]))
    return deserialize_item(row) if row else {}


def _publish(replayed: Replayed, expected: Observation, given: Mapping[str, Any]) -> None:
    """What a publish of a whole item leaves: its command and, of a synchronous one, all the rest."""
    step, prefix = replayed.step, f"local-demo-{replayed.step.table}"
    now, pk, sk = to_local_iso(step.clock), given["pk"], given["sk"]
    is_sync = str(step.operation).endswith("Sync")
    stored = _stored_row(replayed, given)
    version = (stored.get("version", 0) if is_sync else given["version"]) + 1
    by = _caller(step.recorded["args"].get("options") or {})
    kept = {name: value for name, value in given.items() if name not in _OF_A_VERSION}
    state = {"status": "finish:FINISHED", "syncMode": "SYNC"} if is_sync else {}
    moments = {"createdAt": now, "updatedAt": now}
    command = {"ttl": None, **kept, "version": version, **moments, **by, **state, "sk": f"{sk}@{version}"}
    rows = {(f"{prefix}-command", pk, command["sk"]): serialize_item(command)}
    if is_sync:
        rows[f"{prefix}-data", pk, sk] = serialize_item(data_row(command, stored or None, sk))
        expected.messages = [_status_message(f"{prefix}-command", command)]
    if is_sync and stored:
        earlier = f"{sk}@{stored['version']}"
        row = {**replayed.before[f"{prefix}-data", pk, sk], "sk": serialize(earlier)}
        rows[f"{prefix}-history", pk, earlier] = {**row, "ttl": {"NULL": True}}
    moment = {"$date": to_utc_iso(step.clock)}
    expected.rows = {**replayed.before, **rows}
    expected.result = encode(command) | {"createdAt": moment, "updatedAt": moment}


def _caller(options: Mapping[str, Any]) -> dict[str, Any]:
    """The audit fields of a publish; none for one by the system."""
    invoke = options.get("invokeContext") or {}
    request = (invoke.get("event") or {}).get("requestContext", {})
    claims = request.get("authorizer", {}).get("jwt", {}).get("claims", {})
    user, ip = claims.get("sub"), request.get("http", {}).get("sourceIp")
    found = {
        "source": options.get("source"),
        "requestId": options.get("requestId") or (invoke.get("context") or {}).get("awsRequestId"),
        "createdBy": user,
        "updatedBy": user,
        "createdIp": ip,
        "updatedIp": ip,
    }
    return {name: value for name, value in found.items() if value is not None}


def _status_message(table: str, command: Mapping[str, Any]) -> dict[str, Any]:
    source = {"source": command["source"]} if "source" in command else {}
    body = {
        "action": "command-status",
        "pk": command["pk"],
        "sk": command["sk"],
        "table": table,
        "id": command.get("requestId") or f"{table}#{command['pk']}#{command['sk']}",
        "tenantCode": command["pk"].rpartition("#")[2],
        "content": {"status": command["status"], **source},
    }
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    action = {"DataType": "String", "StringValue": "command-status"}
    return {"Body": text, "MessageAttributes": {"action": action}}
