"""What is refused or stored otherwise because of a value in the input; reasons in deviations.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cqrs_nest.aws import to_local_iso
from tests.golden.deviations import NAMES, adjustment
from tests.golden.recordings import MAX_SAFE_INTEGER
from tests.golden.replay import Observation, Replayed

_NO_FORM = ("$function", "$symbol", "$circular")


def refused(given: Mapping[str, Any]) -> bool:
    """Whether an input has a key or a value that nothing can be made of."""
    pk, sk, attributes = given.get("pk"), given.get("sk"), given.get("attributes")
    if not pk or not sk or not isinstance(pk, str) or not isinstance(sk, str):
        return bool(given)
    base, at, version = sk.rpartition("@")
    if at and ("@" in base or not version.isdecimal()):
        return True
    return (isinstance(attributes, str) and attributes.startswith("s3://")) or any(
        _has_no_form(value) for value in _values(given)
    )


def _has_no_form(value: Any) -> bool:
    match value:
        case str():
            return any("\ud800" <= letter <= "\udfff" for letter in value)
        case float():
            return abs(value) > MAX_SAFE_INTEGER
        case {"$date": "Invalid Date"} | {"$set": []} | {"$number": "NaN" | "Infinity" | "-Infinity"}:
            return True
        case {"$class": "RegExp"}:
            return True
        case dict():
            return any(tag in value for tag in _NO_FORM)
    return False


def _values(value: Any) -> Iterator[Any]:
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values(item)


def nested_dates(given: Any) -> bool:
    """Whether attributes hold a date somewhere."""
    return any(isinstance(value, dict) and "$date" in value for value in _values(given.get("attributes")))


def has_no_page(replayed: Replayed) -> bool:
    """Whether a list of less than one item is asked for."""
    args = replayed.step.recorded["args"]
    limit = (args.get("options") or args.get("opts") or {}).get("limit")
    return isinstance(limit, int) and limit < 1


NAMES.update(refused=refused, nested_dates=nested_dates, has_no_page=has_no_page)


@adjustment
def refuse(replayed: Replayed, expected: Observation) -> None:
    """A Bad Request, whose text is this framework's own; nothing is written or sent."""
    expected.rows, expected.messages = replayed.before, []
    if replayed.actual is not replayed.recorded:
        message = replayed.actual.result.get("$error", {}).get("message")
        body = {"message": message, "error": "Bad Request", "statusCode": 400}
        expected.result = {
            "$error": {
                "name": "BadRequestException",
                "message": message,
                "http": {"status": 400, "body": body},
            }
        }


@adjustment
def malformed_claim(replayed: Replayed, expected: Observation) -> None:
    tenant = replayed.step.recorded["args"].get("claims", {}).get("custom:tenant", "")
    claim = "custom:roles" if isinstance(tenant, str) else "custom:tenant"
    message = f"The claim {claim} of the token is malformed"
    body = {"message": message, "error": "Unauthorized", "statusCode": 401}
    error = {"name": "UnauthorizedException", "message": message, "http": {"status": 401, "body": body}}
    expected.result = {"$error": error}


@adjustment
def date_texts(replayed: Replayed, expected: Observation) -> None:
    given = replayed.step.recorded["args"]["input"]["attributes"]
    for row_id, row in expected.rows.items():
        if replayed.before.get(row_id) != row and "M" in row.get("attributes", {}):
            expected.rows[row_id] = {**row, "attributes": _with_dates(given, row["attributes"])}


def _with_dates(given: Any, stored: Mapping[str, Any]) -> Any:
    match given, stored:
        case {"$date": text}, {"M": {}}:
            return {"S": to_local_iso(datetime.fromisoformat(text))}
        case dict(), {"M": content}:
            return {"M": {name: _with_dates(given.get(name), item) for name, item in content.items()}}
        case list(), {"L": content} if len(content) == len(given):
            return {"L": [_with_dates(*pair) for pair in zip(given, content, strict=True)]}
    return stored
