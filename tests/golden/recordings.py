"""Recorded scenarios: reading the files and turning tagged values into Python and back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from cqrs_nest.aws import REMOVE, to_utc_iso

LONG_STRING = 1200
MAX_SAFE_INTEGER = 2**53 - 1
UNDEFINED = {"$undefined": True}
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
        return self.recorded.get("op")

    @property
    def clock(self) -> datetime:
        return datetime.fromisoformat(self.recorded["clock"])

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        return self.recorded.get("apiCalls", [])

    @property
    def tables(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """The rows after the step, by table and key."""
        return {
            row_id(table, row): normal_row(row)
            for table, rows in self.recorded.get("after", {}).get("tables", {}).items()
            for row in rows
        }

    @property
    def has_objects(self) -> bool:
        return self.recorded.get("after", {}).get("s3") is not None

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        return self.recorded.get("after", {}).get("s3") or []


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
            return {kind: sorted(map(_text, content))}
        case "S" | "B":
            return {kind: mask(_text(content))}
        case _:
            return {kind: content}


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

    def find(self, long_string: Mapping[str, Any]) -> str:
        repeated = long_string["head"][0] * long_string["chars"]
        self.learn(repeated)
        return self._known[long_string["sha256"]]


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
