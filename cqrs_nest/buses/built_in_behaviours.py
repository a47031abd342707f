"""Behaviours that many applications want."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from secrets import SystemRandom
from time import perf_counter
from typing import Any

from cqrs_nest.buses.behaviours import Behaviour, Next
from cqrs_nest.common.logger import Logger

LONGEST_PAUSE = 2.0
"""Seconds between two attempts, at most."""

_random = SystemRandom()


class LoggingBehaviour(Behaviour):
    """Logs how each message went and how long it took; never what is in it, nor the text of an error."""

    def __init__(self) -> None:
        self._logger = Logger("Bus")

    async def handle(self, message: Any, next: Next) -> Any:
        """Log one line at the end."""
        name, start = type(message).__name__, perf_counter()
        try:
            result = await next(message)
        except BaseException as error:
            took = (perf_counter() - start) * 1000
            self._logger.warn("%s failed after %.1f ms with %s", name, took, type(error).__name__)
            raise
        self._logger.log("%s took %.1f ms", name, (perf_counter() - start) * 1000)
        return result


class TimingBehaviour(Behaviour):
    """Hands the class of each message and the seconds it took, failed or not, to a metric.

    `TimingBehaviour(lambda message, seconds: histogram.record(seconds, {"message": message.__name__}))`
    """

    def __init__(self, record: Callable[[type[Any], float], None]) -> None:
        self._record = record

    async def handle(self, message: Any, next: Next) -> Any:
        """Take the time."""
        start = perf_counter()
        try:
            return await next(message)
        finally:
            self._record(message.__class__, perf_counter() - start)


class RetryBehaviour(Behaviour):
    """Runs the handler again when it fails with one of these exceptions.

    Only for handlers that read anew what they build on. The pause before attempt n is a random part of
    `pause` * 2 ** (n - 2) seconds, so that those who met in a conflict part. `messages` are the classes,
    with their subclasses, that may be tried again; all by default. Raises ValueError without an exception.
    """

    def __init__(
        self,
        *exceptions: type[Exception],
        attempts: int = 4,
        pause: float = 0.05,
        messages: tuple[type[Any], ...] = (object,),
    ) -> None:
        if not exceptions:
            raise ValueError(
                "RetryBehaviour is to say after which exceptions it tries again, and names none."
            )
        self._exceptions = exceptions
        self._attempts = attempts
        self._pause = pause
        self._messages = messages

    def applies_to(self, message: type[Any]) -> bool:
        """Whether the class is one of `messages`."""
        return issubclass(message, self._messages)

    async def handle(self, message: Any, next: Next) -> Any:
        """Try again as often as allowed; the last error comes through."""
        for attempt in range(self._attempts - 1):
            try:
                return await next(message)
            except self._exceptions:
                await asyncio.sleep(_random.uniform(0, min(self._pause * 2**attempt, LONGEST_PAUSE)))
        return await next(message)


class TransactionBehaviour(Behaviour):
    """Base of a behaviour that carries each message out in a transaction.

    class SqlTransaction(TransactionBehaviour):
        def __init__(self, database: SqlDatabase) -> None:
            self._database = database

        def begin(self, message: Any) -> AbstractAsyncContextManager[Any]:
            return self._database.begin()
    """

    @abstractmethod
    def begin(self, message: Any) -> AbstractAsyncContextManager[Any]:
        """What commits at the end of a block and undoes when the block raises."""

    async def handle(self, message: Any, next: Next) -> Any:
        """Run the handler inside the transaction."""
        async with self.begin(message):
            return await next(message)
