"""Keeps the error of one handler from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionInfo
from cqrs_nest.core.concurrency import cancellation_as_failure


class Failures(list[UnhandledExceptionInfo]):
    """What went wrong while an event was delivered for the task that makes this list."""

    def __init__(self) -> None:
        super().__init__()
        self._caller = asyncio.current_task()

    @contextmanager
    def noting(self, cause: object, source: str) -> Generator[None]:
        """Note an error of the block instead of raising it. The caller's own cancellation is raised."""
        try:
            with cancellation_as_failure(f"{source} was not done with {type(cause).__name__}", self._caller):
                yield
        except Exception as error:  # noqa: BLE001 noted, and reported or raised by whoever made the list
            self.append(UnhandledExceptionInfo(cause, error, source))
