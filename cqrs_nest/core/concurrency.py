"""Runs coroutines side by side and lets the error of one come through as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def run_together() -> AsyncGenerator[asyncio.TaskGroup]:
    """A task group whose only error is raised unchanged; several errors are raised as a group."""
    failures: BaseExceptionGroup[BaseException] | None = None
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as error:
        failures = error
    if failures is not None:
        distinct = list(dict.fromkeys(failures.exceptions))
        raise distinct[0] if len(distinct) == 1 else failures
