"""Runs coroutines side by side and lets the error of one come through as it is."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from cqrs_nest.core.errors import StartCancelledError

StartTask: TypeAlias = Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task, named for error messages."""


@asynccontextmanager
async def run_together() -> AsyncGenerator[StartTask]:
    """A block whose tasks have all ended when it ends. The first error stops the others and is raised.

    Raises StartCancelledError for a task that ends as cancelled though nobody cancelled it: a task group
    takes that for success.
    """
    tasks: list[asyncio.Task[None]] = []
    failures: BaseExceptionGroup[BaseException] | None = None

    def start(name: str, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = group.create_task(coroutine, name=name)
        tasks.append(task)
        return task

    try:
        async with asyncio.TaskGroup() as group:
            yield start
    except BaseExceptionGroup as error:
        failures = error
    if failures is not None:
        first, *others = dict.fromkeys(failures.exceptions)
        for other in others:
            note_failure(first, "Also failed", other)
        raise first
    for task in tasks:
        if task.cancelled():
            raise _cancelled(task)


def note_failure(error: BaseException, headline: str, other: BaseException) -> None:
    """Write down, with the error that is raised, another one that cannot be raised as well."""
    error.add_note(f"{headline}:\n{''.join(traceback.format_exception(other))}")


def _cancelled(task: asyncio.Task[None]) -> StartCancelledError:
    error = StartCancelledError(
        f"The start failed: {task.get_name()} was cancelled, though nobody asked for it."
    )
    try:
        task.result()
    except asyncio.CancelledError as cause:
        error.__cause__ = cause
    return error
