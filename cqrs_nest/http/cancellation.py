"""Telling a request that is cancelled from one whose handler awaited what was."""

from __future__ import annotations

import asyncio


class AwaitedTaskCancelledError(Exception):
    """A task was cancelled that a handler awaited; the request itself goes on, and is answered."""


def as_failure(error: asyncio.CancelledError) -> AwaitedTaskCancelledError:
    """The failure of whoever awaited a cancelled task.

    Raises the error itself when it is the request that is cancelled.
    """
    task = asyncio.current_task()
    if task is None or task.cancelling():
        raise error
    failure = AwaitedTaskCancelledError("A task that the request awaited was cancelled")
    failure.__cause__ = error
    return failure
