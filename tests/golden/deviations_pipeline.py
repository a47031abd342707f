"""What a whole step of the pipeline does differently; the reasons are in deviations.yaml."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.golden.deviations import NAMES, adjustment
from tests.golden.replay import Observation, Replayed

HANDLERS = {"todo": ", TodoRdsHandler", "dup": ", DupHandler"}
"""The handlers of the tables besides the one that writes the data row."""
NAMED_ERRORS = {
    "SyncDataHandler empty!": "SyncDataHandlerNotFoundError",
    "SyncDataHandler not found!": "SyncDataHandlerNotFoundError",
    "step function state not found!": "UnknownStateError",
}
_CAUSE = re.compile(r"next version must be (\d+) but got (\d+)")
_NAME = re.compile(r"[0-9A-Za-z_-]+-v\d+-[0-9a-f]{32}")


def repeats(result: Any) -> bool:
    """Whether the recorded version check refused the very command that was applied last."""
    match result:
        case [[{"result": -1, "cause": str() as cause}]]:
            versions = _CAUSE.fullmatch(cause)
            return versions is not None and int(versions[2]) == int(versions[1]) - 1
    return False


NAMES.update(repeats=repeats, NAMED_ERRORS=NAMED_ERRORS)


@adjustment
def execution_names(replayed: Replayed, expected: Observation) -> None:
    """One execution for each record, under a name of a certain form; none if it has been started before."""
    if replayed.actual is replayed.recorded:
        return
    started = replayed.actual.result
    delivered_again = '"finish:FINISHED"' in json.dumps(replayed.step.recorded["args"])
    assert len(started) == len(expected.result) or (delivered_again and not started)
    for (execution,) in started:
        assert _NAME.fullmatch(execution["executionName"])
        assert len(execution["executionName"]) <= 80
    expected.result = started


@adjustment
def failed_record(replayed: Replayed, expected: Observation) -> None:
    records = replayed.step.recorded["args"]["Records"]
    failures = [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in records]
    expected.result = {"batchItemFailures": failures}


@adjustment
def carried_on(replayed: Replayed, expected: Observation) -> None:
    expected.result = [[{"result": 0}]]
    expected.alarms = []


@adjustment
def named_error(replayed: Replayed, expected: Observation) -> None:
    error = expected.result["$error"]
    text = error["message"]
    name, detail = NAMED_ERRORS[text], _detail(text, replayed.step.recorded["args"])
    error |= {"name": name, "message": text + detail}
    for alarm in expected.alarms:
        body = json.loads(alarm["Body"])
        message = body["content"]["errorMessage"]
        body["content"]["errorMessage"] = message.replace(f"Error: {text}", f"{name}: {text}{detail}")
        alarm["Body"] = json.dumps(body, separators=(",", ":"))


def _detail(text: str, args: Any) -> str:
    """What an error goes on with."""
    if text.startswith("step function"):
        return f" There is no state {args['context']['State']['Name']!r}."
    source = args["context"]["Execution"]["Input"]["eventSourceARN"]
    table = re.search("table/local-demo-(.+)-command", source)
    module = table[1] if table else ""
    missing = f" There is no {args['input']['result']!r}." if text.endswith("empty!") else ""
    return (
        f"{missing} The handlers of the table {module!r} are: DataSyncDdsHandler{HANDLERS.get(module, '')}."
    )
