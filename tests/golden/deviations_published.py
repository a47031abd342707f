"""Updates that go through here and do not there; the reasons are in deviations.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import to_local_iso, to_utc_iso
from cqrs_nest.aws.dynamodb import deserialize_item, serialize, serialize_item
from tests.golden.deviations import NAMES, adjustment
from tests.golden.operations import stored_input
from tests.golden.recordings import encode
from tests.golden.replay import Observation, Replayed

POLLUTING = "__proto__"


def is_polluting(given: Mapping[str, Any]) -> bool:
    """Whether an input names the prototype of JavaScript's objects."""
    attributes = given.get("attributes")
    return isinstance(attributes, Mapping) and POLLUTING in attributes


NAMES.update(is_polluting=is_polluting)


@adjustment
def merged(replayed: Replayed, expected: Observation) -> None:
    """The next version, with the given attributes merged into those that are stored."""
    given = replayed.step.recorded["args"]["input"]
    row = _stored_row(replayed, given)
    _publish(
        replayed, expected, {**given, "attributes": {**row.get("attributes", {}), **given["attributes"]}}
    )


@adjustment
def replaced(replayed: Replayed, expected: Observation) -> None:
    """The next version, with the given attributes in the place of the stored ones."""
    recorded = replayed.step.recorded["args"]
    _publish(replayed, expected, recorded.get("input") or stored_input(replayed.step, replayed.before))


def _stored_row(replayed: Replayed, given: Mapping[str, Any]) -> dict[str, Any]:
    table = f"local-demo-{replayed.step.table}-data"
    return deserialize_item(replayed.before[table, given["pk"], given["sk"]])


def _publish(replayed: Replayed, expected: Observation, given: Mapping[str, Any]) -> None:
    """What a synchronous publish of the next version leaves."""
    step, prefix = replayed.step, f"local-demo-{replayed.step.table}"
    now, pk, sk = to_local_iso(step.clock), given["pk"], given["sk"]
    stored = _stored_row(replayed, given)
    version = stored["version"] + 1
    new = {**given, "version": version, **_caller(step.recorded["args"].get("options") or {})}
    names = ("updatedBy", "updatedIp", "requestId", "source")
    kept = {name: value for name, value in stored.items() if name not in ("cpk", "csk", *names)}
    by = {name.replace("updated", "created"): value for name, value in new.items() if name in names}
    command = {
        **{name: value for name, value in kept.items() if not name.startswith("created")},
        **new,
        **by,
        "sk": f"{sk}@{version}",
        "createdAt": now,
        "updatedAt": now,
        "status": "finish:FINISHED",
        "syncMode": "SYNC",
    }
    data = {**kept, **new, "updatedAt": now, "cpk": pk, "csk": sk}
    data.pop("source", None)
    before = replayed.before[f"{prefix}-data", pk, sk]
    expected.rows = {
        **replayed.before,
        (f"{prefix}-command", pk, command["sk"]): serialize_item(command),
        (f"{prefix}-data", pk, sk): serialize_item(data),
        (f"{prefix}-history", pk, f"{sk}@{stored['version']}"): {
            **before,
            "sk": serialize(f"{sk}@{stored['version']}"),
        },
    }
    moment = {"$date": to_utc_iso(step.clock)}
    expected.result = encode({**command}) | {"createdAt": moment, "updatedAt": moment}
    expected.messages = [_status_message(f"{prefix}-command", command)]


def _caller(options: Mapping[str, Any]) -> dict[str, Any]:
    """The audit fields of a publish; none for one by the system."""
    invoke = options.get("invokeContext") or {}
    request = (invoke.get("event") or {}).get("requestContext", {})
    claims = request.get("authorizer", {}).get("jwt", {}).get("claims", {})
    found = {
        "source": options.get("source"),
        "requestId": options.get("requestId") or (invoke.get("context") or {}).get("awsRequestId"),
        "updatedBy": claims.get("sub"),
        "updatedIp": request.get("http", {}).get("sourceIp"),
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
