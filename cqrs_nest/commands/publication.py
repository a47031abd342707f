"""What somebody wants published, checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cqrs_nest.aws.dynamodb.attribute_offload import is_s3_uri
from cqrs_nest.buses import valid_traceparent
from cqrs_nest.commands.errors import STALE_VERSION
from cqrs_nest.commands.keys import (
    VERSION_FIRST,
    VERSION_LATEST,
    VERSION_SEPARATOR,
    DetailKey,
    get_tenant_code,
    remove_sort_key_version,
)
from cqrs_nest.commands.models import CommandInput
from cqrs_nest.commands.rows import Origin, Row
from cqrs_nest.commands.saved_events import EVENTS, encode_events
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Invoke, current_invoke, ensure_tenant

MAX_PK_BYTES = 2048
MAX_SK_BYTES = 1024 - len("@9999999999")
"""DynamoDB's limits; a command's sort key needs room for its version."""


@dataclass(frozen=True)
class Publication:
    """A checked input: its properties by their names on the wire, its key, its version and its origin."""

    row: Row
    key: DetailKey
    version: int
    origin: Origin

    @property
    def tenant(self) -> str | None:
        """The tenant of the partition."""
        return get_tenant_code(self.key.pk)


def check_publication(
    published: CommandInput | Mapping[str, Any],
    invoke: Invoke | None,
    source: str | None,
    request_id: str | None,
    allow_cross_tenant: bool,
) -> Publication:
    """Check an input. Without an Invoke the current request's is taken.

    Raises BadRequestException (400) for a key or version that can never be right,
    ForbiddenException for a key of another tenant, TypeError or ValueError for events that
    cannot be saved.
    """
    row = published.to_row() if isinstance(published, CommandInput) else dict(published)
    key = _key(row)
    ensure_tenant(key.pk, allow_cross_tenant)
    if is_s3_uri(row.get("attributes")):
        raise BadRequestException("attributes must be an object, not a reference to one in S3")
    invoke = invoke or current_invoke.get()
    if row.get(EVENTS):
        row[EVENTS] = _events(row[EVENTS], invoke)
    origin = Origin(
        at=datetime.now(UTC),
        source=source,
        request_id=request_id or (invoke.request_id if invoke else None),
        user_id=invoke.user_id if invoke else None,
        ip=invoke.source_ip if invoke else None,
    )
    return Publication(row, key, _version(row.get("version")), origin)


def _events(events: Sequence[object], invoke: Invoke | None) -> list[dict[str, Any]]:
    traceparent = valid_traceparent(invoke.headers.get("traceparent")) if invoke else None
    return encode_events(events, traceparent)


def _key(row: Mapping[str, Any]) -> DetailKey:
    """The key without version; a version that stands on the sort key does not matter."""
    pk, given = row.get("pk"), row.get("sk")
    if not isinstance(pk, str) or not isinstance(given, str):
        raise BadRequestException("pk and sk must be texts")
    _, suffix, version = given.rpartition(VERSION_SEPARATOR)
    sk = remove_sort_key_version(given)
    if VERSION_SEPARATOR in sk or (suffix and not version.isdecimal()):
        raise BadRequestException(f'sk must not contain "@", which separates the version: {given!r}')
    if not 0 < len(pk.encode()) <= MAX_PK_BYTES or not 0 < len(sk.encode()) <= MAX_SK_BYTES:
        raise BadRequestException(f"pk must have 1 to {MAX_PK_BYTES} bytes and sk 1 to {MAX_SK_BYTES} bytes")
    return DetailKey(pk, sk)


def _version(version: object) -> int:
    if version is None:
        return VERSION_FIRST
    if isinstance(version, bool) or not isinstance(version, int) or version < VERSION_LATEST:
        raise BadRequestException(STALE_VERSION)
    return version
