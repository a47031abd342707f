"""What somebody wants published, checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cqrs_nest.buses import outgoing_traceparent
from cqrs_nest.commands.errors import STALE_VERSION
from cqrs_nest.commands.key_checks import check_owner, check_published_key
from cqrs_nest.commands.keys import (
    VERSION_FIRST,
    VERSION_LATEST,
    DetailKey,
    get_tenant_code,
)
from cqrs_nest.commands.models import CommandInput
from cqrs_nest.commands.rows import Origin, Row
from cqrs_nest.commands.saved_events import EVENTS, encode_events
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Invoke, current_invoke

REPEAT_WINDOW = timedelta(minutes=10)
"""How long a `request_id` stands for what was published with it."""


@dataclass(frozen=True)
class Publication:
    """A checked input: its properties by their names on the wire, its key, its version and its origin."""

    row: Row
    key: DetailKey
    version: int
    origin: Origin
    is_repeatable: bool = False
    """Whether the caller named the request, so that a repetition of it is to change nothing."""

    @property
    def tenant(self) -> str | None:
        """The tenant of the partition."""
        return get_tenant_code(self.key.pk)

    def has_made(self, row: Mapping[str, Any] | None) -> bool:
        """Whether a row was left by an earlier publish of the same request."""
        if row is None or not self.is_repeatable or row.get("requestId") != self.origin.request_id:
            return False
        # A data row keeps its first `createdAt`; `updatedAt` is the time of its command in both.
        published = row.get("updatedAt")
        return isinstance(published, datetime) and self.origin.at - published <= REPEAT_WINDOW


def check_publication(
    published: CommandInput | Mapping[str, Any],
    invoke: Invoke | None,
    source: str | None,
    request_id: str | None,
    allow_cross_tenant: bool,
) -> Publication:
    """Check an input. Without an Invoke the current request's is taken.

    Raises BadRequestException (400) for a key or version that can never be right,
    ForbiddenException for a key or a row of another tenant, TypeError or ValueError for events that
    cannot be saved.
    """
    row = published.to_row() if isinstance(published, CommandInput) else dict(published)
    key = check_published_key(row.get("pk"), row.get("sk"))
    check_owner(row, key, invoke, allow_cross_tenant)
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
    version = _version(row.get("version"))
    return Publication(row, key, version, origin, is_repeatable=request_id is not None)


def _events(events: Sequence[object], invoke: Invoke | None) -> list[dict[str, Any]]:
    incoming = invoke.headers.get("traceparent") if invoke else None
    return encode_events(events, outgoing_traceparent(incoming))


def _version(version: object) -> int:
    if version is None:
        return VERSION_FIRST
    if isinstance(version, bool) or not isinstance(version, int) or version < VERSION_LATEST:
        raise BadRequestException(STALE_VERSION)
    return version
