"""Keeps the error of one handler from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from cqrs_nest.buses.errors import HandlerCancelledError
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionInfo


class Failures(list[UnhandledExceptionInfo]):
    """What went wrong while an event was delivered for the task that makes this list."""

    def __init__(self) -> None:
        super().__init__()
        self._caller = asyncio.current_task()

    @contextmanager
    def noting(self, cause: object, source: str) -> Generator[None]:
        """Note an error of the block instead of raising it.

        A cancellation is raised when it is the caller who is cancelled. Otherwise something that the block
        awaited was: that is an error of the block like any other.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 noted, and reported or raised by whoever made the list
            self.append(UnhandledExceptionInfo(cause, error, source))
        except asyncio.CancelledError as error:
            if self._caller is None or self._caller.cancelling():
                raise
            cancelled = HandlerCancelledError(
                f"{source} was not done with {type(cause).__name__}: something that it awaited was cancelled."
            )
            cancelled.__cause__ = error
            self.append(UnhandledExceptionInfo(cause, cancelled, source))
