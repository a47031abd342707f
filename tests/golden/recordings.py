"""Recorded scenarios: reading the files and turning tagged values into Python and back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from cqrs_nest.aws import REMOVE, to_utc_iso

LONG_STRING = 1200
MAX_SAFE_INTEGER = 2**53 - 1
DYNAMODB_DIGITS = Context(prec=38)
UNDEFINED = {"$undefined": True}
NATURAL_ERRORS = ("ConditionalCheckFailedException", "ValidationException", "NoSuchKey")
"""What an emulator answers by itself; any other recorded error was injected."""
CUSTOM_HANDLERS = ("TodoRdsHandler", "DupHandler")
_OPERATION = re.compile(r"(?P<method>[\w.]+)( x(?P<times>\d+))?( \((?P<table>[\w-]+)\))?")
_DESCRIBED = re.compile(r"\w+ with (\d+) commands, data at version (\d+)")
_SOURCE = re.compile(r":table/local-demo-([\w-]+)-command/stream/")
_STACK = re.compile(r"(\\n    at .*?)+(?=\")")
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}(?=\.json)")


@dataclass(frozen=True)
class Step:
    """One recorded call, or a note."""

    recorded: Mapping[str, Any]

    @property
    def label(self) -> str:
        return self.recorded["label"]

    @property
    def operation(self) -> str | None:
        """The method, without what the recording says of its table and how often it ran at once."""
        return self._name and self._name["method"]

    @property
    def table(self) -> str:
        """The table whose service was called, or whose stream an event came from."""
        if self._name and self._name["table"]:
            return self._name["table"]
        source = _SOURCE.search(json.dumps(self.recorded.get("args")))
        return source[1] if source else "todo"

    @property
    def times(self) -> int | None:
        """How often the operation ran at once; None for an ordinary one."""
        return int(self._name["times"]) if self._name and self._name["times"] else None

    @property
    def _name(self) -> re.Match[str] | None:
        name = self.recorded.get("op")
        return None if name is None else _OPERATION.fullmatch(name)

    @property
    def clock(self) -> datetime:
        return datetime.fromisoformat(self.recorded["clock"])

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The calls to AWS. Of some steps only their names and keys were recorded."""
        return [
            _call_of(call) if isinstance(call, str) else call for call in self.recorded.get("apiCalls", [])
        ]

    @property
    def injected_errors(self) -> list[Mapping[str, Any]]:
        """The calls that were made to fail."""
        return [call for call in self.calls if is_injected(call)]

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The recorded error, if the step ended with one."""
        result = self.recorded.get("result")
        return result.get("$error") if isinstance(result, dict) else None

    @property
    def injected_message(self) -> str:
        """The text of the injected error, as far as the result shows it."""
        names = {call["error"] for call in self.injected_errors}
        return str(self.error["message"]) if self.error and self.error.get("name") in names else "injected"

    @property
    def handler_error(self) -> Mapping[str, Any] | None:
        """The recorded error, if it was a custom handler's: no call failed, and the failure was noted."""
        statuses = [_status_of(call) for call in self.calls]
        is_failed = any(status in ("publish_sync:FAILED", "sync_data:FAILED") for status in statuses)
        input = self.recorded["args"].get("input")
        is_other = isinstance(input, dict) and input.get("result") not in (None, *CUSTOM_HANDLERS)
        return self.error if is_failed and not is_other and all(call["ok"] for call in self.calls) else None

    @property
    def tables(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """The rows after the step, by table and key."""
        return {
            row_id(table, row): normal_row(row)
            for table, rows in self.recorded.get("after", {}).get("tables", {}).items()
            for row in rows
        }

    @property
    def has_tables(self) -> bool:
        return "after" in self.recorded

    @property
    def has_objects(self) -> bool:
        return self.recorded.get("after", {}).get("s3") is not None

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        return self.recorded.get("after", {}).get("s3") or []


def is_injected(call: Mapping[str, Any]) -> bool:
    """Whether a recorded call was made to fail."""
    return not call["ok"] and call["error"] not in NATURAL_ERRORS


def _status_of(call: Mapping[str, Any]) -> str | None:
    values = call["input"].get("ExpressionAttributeValues")
    return values.get(":status", {}).get("S") if isinstance(values, dict) else None


def _call_of(text: str) -> dict[str, Any]:
    """A call that was recorded as `GetItem:local-demo-todo-data:A1`, with `!Error` when it failed."""
    text, _, error = text.partition("!")
    operation, target, *sk = text.split(":")
    key = {"Key": {"sk": {"S": ":".join(sk)}}} if sk else {}
    outcome = {"ok": False, "error": error} if error else {"ok": True}
    return {"service": "DynamoDB", "op": operation, "target": target, "input": key, **outcome}


@dataclass(frozen=True)
class Scenario:
    """One file."""

    name: str
    path: Path

    @cached_property
    def recorded(self) -> Mapping[str, Any]:
        return json.loads(self.path.read_text(encoding="utf-8"))

    @property
    def environment(self) -> Mapping[str, str | None]:
        return self.recorded["env"]

    @property
    def described_versions(self) -> tuple[int, int] | None:
        """How many commands there were and the version of the data row, where only the text says so."""
        found = _DESCRIBED.fullmatch(self.recorded.get("description", ""))
        return (int(found[1]), int(found[2])) if found else None

    @property
    def steps(self) -> Iterator[Step]:
        return (Step(step) for step in self.recorded["steps"])


def scenarios(directory: Path) -> list[Scenario]:
    """Every scenario below a directory; files of another kind are left out."""
    found = [
        Scenario(str(path.relative_to(directory).with_suffix("")), path)
        for path in sorted(directory.rglob("*.json"))
    ]
    return [scenario for scenario in found if "steps" in scenario.recorded]


def row_id(table: str, row: Mapping[str, Any]) -> tuple[str, str, str]:
    return table, row["pk"]["S"], row["sk"]["S"]


def mask_stack(body: str) -> str:
    """A message's body without the lines of a stack, which are another language's."""
    return _STACK.sub(r"\\n    at <STACK>", body)


def mask(text: str) -> str:
    """The text with ULIDs as recordings show them."""
    return _ULID.sub("<ULID>", text)


def normal_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in DynamoDB JSON with what has no order in order, binaries as base64, ULIDs masked."""
    return {name: _normal_attribute(value) for name, value in row.items()}


def _normal_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return {kind: normal_row(content)}
        case "L":
            return {kind: [_normal_attribute(item) for item in content]}
        case "SS" | "NS" | "BS":
            texts = map(_text, content)
            return {kind: sorted(map(_number, texts) if kind == "NS" else texts)}
        case "S" | "B":
            return {kind: mask(_text(content))}
        case "N":
            return {kind: _number(content)}
        case _:
            return {kind: content}


def _number(text: str) -> str:
    """A number as DynamoDB gives it back; the emulators keep the text that was sent, such as `1e-7`."""
    return format(Decimal(text).normalize(DYNAMODB_DIGITS), "f")


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else base64.b64encode(content).decode()


def attribute_for_seed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded attribute value as boto3 wants it: binaries as bytes."""
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return {kind: {name: attribute_for_seed(item) for name, item in content.items()}}
        case "L":
            return {kind: [attribute_for_seed(item) for item in content]}
        case "B":
            return {kind: base64.b64decode(content)}
        case "BS":
            return {kind: [base64.b64decode(item) for item in content]}
        case _:
            return {kind: content}


class Texts:
    """Long texts, which recordings hold only as a checksum: those met so far, and one letter repeated."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def learn(self, text: str) -> None:
        self._known[_checksum(text)] = text

    def json_of(self, attributes: Mapping[str, Any]) -> str:
        """Attributes that were read from S3 as the text of their object, as JavaScript writes JSON."""
        return json.dumps(self._fill(attributes), separators=(",", ":"), ensure_ascii=False)

    def find(self, long_string: Mapping[str, Any]) -> str:
        repeated = long_string["head"][0] * long_string["chars"]
        self.learn(repeated)
        return self._known[long_string["sha256"]]

    def filled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row in DynamoDB JSON as boto3 wants it, with the long texts in their places."""
        return {name: attribute_for_seed(self._fill(value)) for name, value in row.items()}

    def _fill(self, value: Any) -> Any:
        match value:
            case {"$longString": details}:
                return self.find(details)
            case dict():
                return {name: self._fill(item) for name, item in value.items()}
            case list():
                return [self._fill(item) for item in value]
            case _:
                return value


def encode_text(text: str) -> Any:
    """A text as recorded: long ones as a checksum."""
    chars = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if chars <= LONG_STRING:
        return text
    body = text.encode("utf-8", "surrogatepass")
    details = {"chars": chars, "bytes": len(body), "sha256": _checksum(text), "head": text[:60]}
    return {"$longString": details}


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def decode(value: Any, texts: Texts) -> Any:
    """A tagged value as a Python one. `undefined` is `REMOVE`: a property that is to be left out."""
    if isinstance(value, list):
        return [decode(item, texts) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$undefined": _}:
            return REMOVE
        case {"$date": text}:
            return object() if text == "Invalid Date" else datetime.fromisoformat(text)
        case {"$number": text}:
            return float(text.replace("Infinity", "inf"))
        case {"$bigint": text}:
            return int(text)
        case {"$buffer": text} | {"$binary": text}:
            return base64.b64decode(text)
        case {"$set": items}:
            return {decode(item, texts) for item in items}
        case {"$map": items}:
            return {name: decode(item, texts) for name, item in items}
        case {"$longString": details}:
            return texts.find(details)
        case {"$function": _} | {"$symbol": _} | {"$circular": _}:
            return object()
    named = {name: decode(item, texts) for name, item in value.items() if name != "$class"}
    return object() if "$class" in value and not named else named


def normal_result(value: Any) -> Any:
    """A recorded result without what Python does not tell apart: undefined properties and class names."""
    if isinstance(value, list):
        return [normal_result(item) for item in value if item != UNDEFINED]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$undefined": _}:
            return None
        case {"$buffer": text}:
            return {"$binary": text}
        case {"$map": items}:
            return {name: normal_result(item) for name, item in items}
        case {"$set": items}:
            return {"$set": sorted(map(normal_result, items), key=str)}
    return {
        name: normal_result(item)
        for name, item in value.items()
        if name != "$class" and item != UNDEFINED and not (isinstance(item, dict) and "$function" in item)
    }


def encode(value: Any) -> Any:
    """A Python result as recordings show it."""
    match value:
        case Decimal():
            return float(value)
        case float() if value == 0 and str(value).startswith("-"):
            return {"$number": "-0"}
        case bool() | None | float():
            return value
        case int():
            return value if abs(value) <= MAX_SAFE_INTEGER else {"$bigint": str(value)}
        case str():
            return encode_text(mask(value))
        case datetime():
            return {"$date": to_utc_iso(value.astimezone(UTC))}
        case bytes():
            return {"$binary": base64.b64encode(value).decode()}
        case set():
            return {"$set": sorted(map(encode, value), key=str)}
        case Mapping():
            return {name: encode(item) for name, item in value.items() if item is not REMOVE}
        case list() | tuple():
            return [encode(item) for item in value if item is not REMOVE]
        case _:
            return repr(value)
