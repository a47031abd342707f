"""The two written forms of a moment: rows carry local time with its offset, JSON carries UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson


def to_local_iso(moment: datetime) -> str:
    """As rows carry it: the process's time zone, whole seconds (cut, not rounded), never `Z`.

    A moment without a zone is taken as local time.

    >>> import re
    >>> text = to_local_iso(datetime(2024, 5, 6, 7, 8, 9, 987_000, tzinfo=UTC))
    >>> bool(re.fullmatch(r"2024-05-0[567]T[0-9:]{8}[+-][0-9:]{5}", text))
    True
    """
    return moment.astimezone().isoformat(timespec="seconds")


def to_utc_iso(moment: datetime) -> str:
    """As JSON carries it: UTC, milliseconds, `Z`.

    >>> to_utc_iso(datetime(2024, 5, 6, 7, 8, 9, 987_654, tzinfo=UTC))
    '2024-05-06T07:08:09.987Z'
    """
    utc = moment.astimezone(UTC)
    if type(utc) is not datetime:  # such as pendulum's, which orjson does not take
        return f"{utc.isoformat(timespec='milliseconds')[:23]}Z"
    seconds = orjson.dumps(utc)[1:20].decode()  # in half of isoformat's time
    return f"{seconds}.{moment.microsecond // 1000:03}Z"


def parse_moment(text: str) -> datetime | None:
    """Either form read back, with its offset; None for anything else.

    >>> parse_moment("2026-01-02T12:04:05+09:00").isoformat()
    '2026-01-02T12:04:05+09:00'
    >>> parse_moment("soon") is None
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.astimezone()
