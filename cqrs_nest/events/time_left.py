"""How much of its time an invocation has left."""

from __future__ import annotations

from typing import Any

RESERVE_SECONDS = 1.0
RESERVE_SHARE = 0.1
"""What is kept for the answer: a second, or a tenth of what is left when that is less."""


def seconds_left(context: Any) -> float | None:
    """The seconds until AWS Lambda ends the invocation, by its context; None outside of Lambda."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return None if remaining is None else float(remaining()) / 1000


def seconds_to_work(context: Any) -> float | None:
    """The seconds after which an invocation must come to its answer; None when nothing ends it."""
    left = seconds_left(context)
    return None if left is None else left - min(RESERVE_SECONDS, left * RESERVE_SHARE)
