"""What becomes of events of AWS other than those of the pipeline; the reasons are in deviations.yaml."""

from __future__ import annotations

import json
from typing import Any

from tests.golden.deviations import NAMES, adjustment
from tests.golden.replay import Observation, Replayed

_NOT_FOUND = "was not found!"


def is_unhandled(error: Any) -> bool:
    """Whether nobody handled an event."""
    return bool(error) and error["message"].endswith(f"event {_NOT_FOUND}")


NAMES.update(is_unhandled=is_unhandled)


@adjustment
def failed_messages(replayed: Replayed, expected: Observation) -> None:
    """Those messages fail that are no notification, or have come to a queue that nobody reads."""
    records = replayed.step.recorded["args"].get("Records", [])
    failed = [record["messageId"] for record in records if not _is_notification(record)]
    expected.result = {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _is_notification(record: dict[str, Any]) -> bool:
    if not record["eventSourceARN"].endswith("notification-queue"):
        return False
    try:
        return isinstance(json.loads(record["body"]), dict)
    except json.JSONDecodeError:
        return False


@adjustment
def named_event(replayed: Replayed, expected: Observation) -> None:
    """An error of the same text, which goes on with the event and the fix."""
    actual = replayed.actual.result
    error = actual.get("$error") if isinstance(actual, dict) else None
    if replayed.actual is replayed.recorded or error is None:
        return
    assert error["name"] == "EventHandlerNotFoundError"
    assert _NOT_FOUND in error["message"]
    expected.result["$error"] |= {"name": error["name"], "message": error["message"]}
