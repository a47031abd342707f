"""The rules of deviations.yaml: turning what was recorded into what is expected here."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import yaml

from cqrs_nest.aws import to_local_iso, to_utc_iso
from cqrs_nest.aws.dynamodb import deserialize_item, serialize
from cqrs_nest.aws.dynamodb.attribute_values import deserialize
from tests.golden.http_answers import as_request, as_service
from tests.golden.recordings import Step, attribute_for_seed, encode
from tests.golden.replay import Observation, Replayed, RowId, Rows

FILE = Path(__file__).with_name("deviations.yaml")
ABSENT: Any = object()
SET_ATTRIBUTE = "(the one that is set)"
NAMES: dict[str, Any] = {}
"""Further names for expressions, which the files `deviations_*.py` bring."""
KINDS = ("command", "data", "history")


@dataclass(frozen=True)
class Rule:
    """One deviation."""

    id: str
    operations: tuple[str, ...]
    targets: tuple[str, ...]
    attributes: tuple[str, ...]
    when: CodeType
    instead: Any
    reason: str
    is_added: bool
    """Whether it holds where the recording lacks the attribute, too."""


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of the file."""
    return tuple(
        Rule(
            entry["id"],
            tuple(entry["operations"]),
            _tuple(entry["target"]),
            _tuple(entry.get("attribute", ())),
            compile(entry["when"].strip(), entry["id"], "eval"),
            entry["instead"],
            " ".join(entry["reason"].split()),
            bool(entry.get("added")),
        )
        for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["rules"]
    )


def _tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass
class Expectation:
    """What a step must give and leave here, and which rules made it differ from the recording."""

    observation: Observation
    used: set[str]


def expect(replayed: Replayed) -> Expectation:
    """The recorded observation with every rule applied that holds for the step."""
    asked, replayed = replayed, as_service(replayed)
    expectation = Expectation(copy.deepcopy(replayed.recorded), set())
    step = replayed.step
    for rule in rules():
        if step.operation is None:
            if step.label in rule.targets:
                _handler_calls(rule, replayed, expectation)
        elif step.operation in rule.operations:
            _apply(rule, replayed, expectation)
    if replayed is not asked:
        expectation.observation = as_request(expectation.observation, asked)
    return expectation


def _apply(rule: Rule, replayed: Replayed, expectation: Expectation) -> None:
    names = _names(replayed)
    observed = expectation.observation
    if "error" in rule.targets or "outcome" in rule.targets:
        if names["error"] and eval(rule.when, names):
            expectation.used.add(rule.id)
            if "error" in rule.targets:
                observed.result = {"$error": _error(rule.instead, names["error"])}
            else:
                expectation.observation = OUTCOMES[rule.instead](replayed, names)
        return
    if "step" in rule.targets:
        if eval(rule.when, names):
            expectation.used.add(rule.id)
            ADJUSTMENTS[rule.instead](replayed, observed)
        return
    for row_id in _written(replayed, observed) if any(kind in rule.targets for kind in KINDS) else ():
        kind = row_id[0].rpartition("-")[2]
        if kind in rule.targets:
            row = observed.rows[row_id] = dict(observed.rows[row_id])
            before = replayed.before.get(row_id)
            plain = {name: deserialize(attribute_for_seed(value)) for name, value in row.items()}
            _attributes(rule, expectation, row, {**names, "row": plain, "before": before}, as_row=True)
    for item in _results(observed.result) if "result" in rule.targets else ():
        _attributes(rule, expectation, item, {**names, "row": dict(item)}, as_row=False)


def _results(result: Any) -> list[dict[str, Any]]:
    """The items of a result: itself, or those of a list; how many ended in which way is none."""
    if not isinstance(result, dict):
        return []
    items: list[dict[str, Any]] = result.get("items", [result] if "pk" in result else [])
    return items


def _attributes(
    rule: Rule, expectation: Expectation, holder: dict[str, Any], names: dict[str, Any], *, as_row: bool
) -> None:
    for attribute in rule.attributes:
        if attribute == SET_ATTRIBUTE:
            attribute = names["set_name"]
        recorded = names["row"].get(attribute)
        known = {**names, "recorded": recorded, "now": names["now" if as_row else "now_result"]}
        if (attribute not in holder and not rule.is_added) or not eval(rule.when, known):
            continue
        value = eval(rule.instead, known)
        expectation.used.add(rule.id)
        if value is ABSENT:
            holder.pop(attribute, None)
        else:
            holder[attribute] = serialize(value) if as_row else value


def _handler_calls(rule: Rule, replayed: Replayed, expectation: Expectation) -> None:
    if rule.instead in ADJUSTMENTS:
        if eval(rule.when, {"entries": expectation.observation.result}):
            expectation.used.add(rule.id)
            ADJUSTMENTS[rule.instead](replayed, expectation.observation)
        return
    for entry in expectation.observation.result:
        command = entry.get("cmd", entry)
        for attribute in rule.attributes:
            known = {"recorded": command[attribute], "row": command, "entry": entry}
            if eval(rule.when, known):
                command[attribute] = eval(rule.instead, known)
                expectation.used.add(rule.id)


def _names(replayed: Replayed) -> dict[str, Any]:
    """What expressions can use."""
    step, recorded = replayed.step, replayed.step.recorded
    args: Mapping[str, Any] = recorded["args"]
    options = args.get("options") or {}
    event = (options.get("invokeContext") or {}).get("event", {}).get("requestContext", {})
    sets = list(((args.get("item") or args).get("set") or {}).items()) or [("", {})]
    result = recorded["result"]
    created = result if isinstance(result, dict) else {}
    error = created.get("$error")
    return {
        **NAMES,
        "absent": ABSENT,
        "input": args.get("input", {}),
        "published": args.get("input") or _raw(args) or (created if "pk" in created else {}),
        "options": options,
        "error": error and {"name": error.get("name"), "message": error.get("message") or ""},
        "now": to_local_iso(step.clock),
        "now_result": {"$date": to_utc_iso(step.clock)},
        "user": event.get("authorizer", {})
        .get("jwt", {})
        .get("claims", {})
        .get("sub", created.get("createdBy")),
        "ip": event.get("http", {}).get("sourceIp", created.get("createdIp")),
        "result": result,
        "args": json.dumps(args),
        "stored_text": lambda row, name: _stored_text(replayed, row, name),
        "stored": lambda row: _stored(replayed, row),
        "stored_uri": lambda row: _stored_uri(replayed, row),
        "before_step": replayed,
        "set_name": sets[0][0],
        "set_value": sets[0][1],
    }


def _raw(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """An input that was recorded as the text it came as."""
    raw: dict[str, Any] = json.loads(args["raw"]) if isinstance(args.get("raw"), str) else {}
    return raw


def _stored(replayed: Replayed, row: Mapping[str, Any]) -> dict[str, Any]:
    """The data row of an item as a result shows it; empty when there is none."""
    found = replayed.before.get((f"local-demo-{replayed.step.table}-data", row["pk"], row["sk"]))
    plain = deserialize_item(found) if found else {}
    moments = {
        name: {"$date": to_utc_iso(plain[name])} for name in ("createdAt", "updatedAt") if name in plain
    }
    return {"version": 0, **plain, **moments}


def _stored_uri(replayed: Replayed, row: Mapping[str, Any]) -> str | None:
    """What stands in the place of a data row's attributes, if they are a text."""
    found = replayed.before.get((f"local-demo-{replayed.step.table}-data", row["pk"], row["sk"]), {})
    uri: str | None = found.get("attributes", {}).get("S")
    return uri


def _stored_text(replayed: Replayed, row: Mapping[str, Any], name: str) -> str:
    """An attribute of the data row of an item, as it is stored."""
    stored: str = replayed.before[f"local-demo-{replayed.step.table}-data", row["pk"], row["sk"]][name]["S"]
    return stored


def _written(replayed: Replayed, expected: Observation) -> list[RowId]:
    """The rows that the step is expected to change or make; of commands only the new ones."""
    return [
        row_id
        for row_id, row in expected.rows.items()
        if replayed.before.get(row_id) != row
        and not (row_id in replayed.before and row_id[0].endswith("-command"))
    ]


def _error(instead: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    message = instead.get("message", recorded["message"])
    status = instead["status"]
    body: dict[str, Any] = {"statusCode": status, "message": message}
    if status == 500:
        body["message"] = "Internal server error"
    if "error" in instead:
        body["error"] = instead["error"]
    return {"name": instead["name"], "message": message, "http": {"status": status, "body": body}}


def _incremented(replayed: Replayed, names: Mapping[str, Any]) -> Observation:
    value = names["set_value"]
    by = value["incrementBy"] if "incrementBy" in value else -value["decrementBy"]
    row_id = _updated_row(replayed.step)
    current = deserialize(replayed.before[row_id][names["set_name"]])
    return _with(replayed, names, row_id, {names["set_name"]: current + by})


def _set_to_null(replayed: Replayed, names: Mapping[str, Any]) -> Observation:
    return _with(replayed, names, _updated_row(replayed.step), {names["set_name"]: None})


def _offloaded(replayed: Replayed, names: Mapping[str, Any]) -> Observation:
    """The attributes as they were given, and a reference to them in the row."""
    put = next(call["input"] for call in replayed.step.calls if call["op"] == "PutObject")
    table, pk, sk = row_id = _updated_row(replayed.step)
    key = f"ddb/{table}/{pk}/{sk}/<ULID>.json"
    changed = _with(replayed, names, row_id, {"attributes": f"s3://{put['Bucket']}/{key}"})
    entry = {"Key": key, "ContentType": "application/octet-stream", "Body": put["Body"]}
    others = [other for other in changed.objects if other["Key"] != put["Key"]]
    result = {**changed.result, "attributes": names["set_value"]}
    return replace(changed, result=result, objects=sorted([*others, entry], key=lambda one: one["Key"]))


def _updated_row(step: Step) -> RowId:
    args = step.recorded["args"]
    if "table" in args:
        return args["table"], args["key"]["pk"], args["key"]["sk"]
    sent = step.calls[-1]["input"]
    return sent["TableName"], sent["Key"]["pk"]["S"], sent["Key"]["sk"]["S"]


def _with(
    replayed: Replayed, names: Mapping[str, Any], row_id: RowId, changes: Mapping[str, Any]
) -> Observation:
    """The row before with some attributes changed and touched now, which is the result as well."""
    changed = {name: serialize(value) for name, value in {**changes, "updatedAt": names["now"]}.items()}
    row = {**replayed.before[row_id], **changed}
    rows: Rows = {**replayed.before, row_id: row}
    stored_moment = to_utc_iso(replayed.step.clock.replace(microsecond=0))
    plain = {**encode(deserialize_item(row)), "updatedAt": {"$date": stored_moment}}
    return replace(replayed.recorded, result=plain, rows=rows)


OUTCOMES: dict[str, Callable[[Replayed, Mapping[str, Any]], Observation]] = {
    "incremented": _incremented,
    "set_to_null": _set_to_null,
    "offloaded": _offloaded,
}


Adjustment = Callable[[Replayed, Observation], None]
ADJUSTMENTS: dict[str, Adjustment] = {}


def adjustment(function: Adjustment) -> Adjustment:
    """Lets a rule with the target `step` name a function that changes what is expected of the whole step."""
    ADJUSTMENTS[function.__name__] = function
    return function


BEGIN, END = "<!-- deviations: begin -->", "<!-- deviations: end -->"


def document() -> str:
    """The section of docs/compatibility.md that lists the rules."""
    lines = [
        BEGIN,
        "## What is written or answered differently",
        "",
        "Rows, messages and results are those of the TypeScript framework, replayed from recordings of it",
        "(`pytest tests/golden`), except for the following. Rows it wrote are read as they are.",
        "This list is `tests/golden/deviations.yaml`; `python -m tests.golden.deviations` writes it here.",
        "",
        "| where | what | why |",
        "|---|---|---|",
        *(f"| {_where(rule)} | {_what(rule)} | {rule.reason} |" for rule in rules()),
        END,
    ]
    return "\n".join(lines)


def _where(rule: Rule) -> str:
    return "<br>".join(f"`{operation}`" for operation in rule.operations)


def _what(rule: Rule) -> str:
    attributes = ", ".join(f"`{name}`" if name.isidentifier() else name for name in rule.attributes)
    return f"{', '.join(rule.targets)}{': ' if attributes else ''}{attributes}"


def write_document(path: Path) -> None:
    """Put the section in its place in a document, or at its end."""
    text = path.read_text(encoding="utf-8")
    head, found, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2] if found else "\n"
    path.write_text(f"{head if found else head.rstrip() + chr(10) * 2}{document()}{tail}", encoding="utf-8")


if __name__ == "__main__":
    write_document(FILE.parents[2] / "docs" / "compatibility.md")
