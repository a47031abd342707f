"""What is refused because it belongs to another tenant; reasons in deviations.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.golden.deviations import NAMES, adjustment
from tests.golden.replay import Observation, Replayed


def of_another_tenant(given: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether a caller who has a tenant publishes what is not his tenant's."""
    event = (options.get("invokeContext") or {}).get("event", {})
    claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    tenant, pk = claims.get("custom:tenant"), given.get("pk")
    if not isinstance(tenant, str) or not tenant or not isinstance(pk, str):
        return False
    kind, separator, owner = pk.rpartition("#")
    named, item_id = given.get("tenantCode"), given.get("id")
    return (
        not separator
        or owner.lower() != tenant.lower()
        or (isinstance(named, str) and named.lower() not in ("", tenant.lower()))
        or (isinstance(item_id, str) and item_id.startswith(f"{kind}#") and not item_id.startswith(f"{pk}#"))
    )


def is_object_of_others(uri: str | None, pk: str) -> bool:
    """Whether an S3 URI is that of an object that was written for an item of another tenant."""
    if uri is None or not uri.startswith("s3://"):
        return False
    partition = [*uri.split("/"), "", "", "", ""][5]
    return "#" in partition and partition.rpartition("#")[2] != pk.rpartition("#")[2]


def reads_another_tenant(replayed: Replayed) -> bool:
    """Whether a request asks for a row of another tenant than its caller's."""
    args = replayed.step.recorded["args"]
    event = ((args.get("options") or {}).get("invokeContext") or {}).get("event", {})
    claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    key = args.get("key") or args
    tenant, owner = claims.get("custom:tenant"), str(key.get("pk", "")).rpartition("#")[2]
    return isinstance(tenant, str) and bool(tenant) and owner.lower() != tenant.lower()


NAMES.update(reads_another_tenant=reads_another_tenant)
NAMES.update(of_another_tenant=of_another_tenant, is_object_of_others=is_object_of_others)


@adjustment
def refuse_tenant(replayed: Replayed, expected: Observation) -> None:
    """Forbidden; nothing is written or sent."""
    expected.rows, expected.messages = replayed.before, []
    expected.result = _forbidden(replayed)


@adjustment
def refuse_reference(replayed: Replayed, expected: Observation) -> None:
    """Forbidden, in the place of what stands in another's object."""
    expected.result = _forbidden(replayed)


def _forbidden(replayed: Replayed) -> Any:
    """The error with the text that this framework gives it."""
    actual = replayed.actual.result or {}
    message = actual.get("$error", {}).get("message")
    body = {"message": message, "error": "Forbidden", "statusCode": 403}
    return {
        "$error": {"name": "ForbiddenException", "message": message, "http": {"status": 403, "body": body}}
    }
