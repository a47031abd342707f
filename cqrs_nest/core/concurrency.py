"""Runs coroutines side by side and lets the error of one come through as it is."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

from cqrs_nest.core.errors import HandlerCancelledError, StartCancelledError

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


@contextmanager
def cancellation_as_failure(what: str, caller: asyncio.Task[Any] | None) -> Generator[None]:
    """Raise HandlerCancelledError in place of a cancellation that is not the caller's.

    Otherwise something that the block awaited was cancelled: that is an error like any other.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if caller is None or caller.cancelling():
            raise
        raise HandlerCancelledError(f"{what}: something that it awaited was cancelled.") from error


def failure_of(result: object) -> BaseException | None:
    """The error among what `asyncio.gather` gave for a task, if it is one.

    One that ended as cancelled, while who gathered it was not, has failed.
    """
    if not isinstance(result, asyncio.CancelledError):
        return result if isinstance(result, BaseException) else None
    failure = HandlerCancelledError(
        "It, or something that it awaited, was cancelled though nobody asked for it."
    )
    failure.__cause__ = result
    return failure


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
