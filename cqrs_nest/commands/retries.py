"""Trying again when somebody else was faster."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cqrs_nest.commands.errors import VersionConflictException

T = TypeVar("T")

DEFAULT_RETRIES = 10
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0


async def retry_conflicts(attempt: Callable[[], Awaitable[T]], retries: int) -> T:
    """The result of `attempt`, which is made anew after each version conflict, at most `retries` times.

    The pauses in between are random, so that those who met once do not meet again. Raises the last
    VersionConflictException, and anything else at once.
    """
    for made in range(retries):
        try:
            return await attempt()
        except VersionConflictException:
            longest = min(FIRST_PAUSE_SECONDS * 2**made, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
    return await attempt()
