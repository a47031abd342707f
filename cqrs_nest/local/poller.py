"""What the stream poller and the queue poller have in common: rest, work, retry, stop."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from cqrs_nest.common import Logger
from cqrs_nest.local.write_signal import Pulse, WriteSignal

BatchResult: TypeAlias = Mapping[str, Any] | None
Deliver: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[BatchResult]]
"""Hands a Lambda-shaped event to the application and gives what a Lambda function would return."""

_IDLE_SECONDS = 1.0
_STOP_SECONDS = 10.0
_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 5.0


def retry_delay(attempt: int) -> float:
    """Seconds to wait before the next try, after `attempt` failed ones.

    >>> [retry_delay(attempt) for attempt in (1, 2, 3, 10)]
    [0.1, 0.2, 0.4, 5.0]
    """
    return min(_FIRST_RETRY_SECONDS * 2.0 ** (attempt - 1), _LONGEST_RETRY_SECONDS)


def failed_identifiers(result: BatchResult, identifiers: list[str]) -> set[str]:
    """Which records a partial batch response names; all of them when it names one that was not sent.

    >>> failed_identifiers({"batchItemFailures": [{"itemIdentifier": "2"}]}, ["1", "2"])
    {'2'}
    >>> failed_identifiers(None, ["1", "2"])
    set()
    """
    failures = result.get("batchItemFailures", ()) if result else ()
    named = {str(failure["itemIdentifier"]) for failure in failures}
    return named if named <= set(identifiers) else set(identifiers)


class Poller(ABC):
    """Brings the records of one source to the application until it is stopped.

    A failing delivery is logged and tried again, with growing pauses, for as long as it fails.
    """

    def __init__(self, name: str, deliver: Deliver, signal: WriteSignal) -> None:
        self.name = name
        self._deliver = deliver
        self._signal = signal
        self._seen = -1
        self._working = asyncio.Lock()
        self._polled = Pulse()
        self._task: asyncio.Task[None] | None = None
        self._logger = Logger("LocalRuntime")

    @abstractmethod
    async def poll(self) -> bool:
        """Fetch and deliver one batch. True when there was something, or something is left to retry."""

    @property
    def is_caught_up(self) -> bool:
        """Everything that has been written so far was delivered, and nothing waits for a retry."""
        return self._seen == self._signal.writes

    @property
    def rest(self) -> float:
        """Seconds to wait before the source is asked again, unless something is written to it."""
        return _IDLE_SECONDS

    async def caught_up(self) -> None:
        """Return as soon as the poller has caught up."""
        while not self.is_caught_up:
            await self._polled.wait()

    def start(self) -> None:
        """Begin to poll in the background."""
        self._task = asyncio.create_task(self._run(), name=f"poll {self.name}")

    async def stop(self) -> None:
        """Let the delivery in hand finish, then end."""
        if self._task is None:
            return
        try:
            async with asyncio.timeout(_STOP_SECONDS), self._working:
                self._task.cancel()
        except TimeoutError:
            self._logger.warn("%s: the delivery in hand did not end within %d s", self.name, _STOP_SECONDS)
            self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            seen = self._signal.writes
            try:
                async with self._working:
                    found = await self.poll()
            except Exception as error:  # noqa: BLE001 the source is asked again, whatever it answered
                self._logger.error("%s cannot be read", self.name, error=error)
                await asyncio.sleep(_IDLE_SECONDS)
                continue
            if not found:
                self._seen = seen
            self._polled.fire()
            if not found:
                await self._signal.wait_beyond(seen, self.rest)

    async def deliver(self, event: Mapping[str, Any], identifiers: list[str]) -> set[str]:
        """Hand over one event; which of its records have to be delivered again."""
        try:
            result = await self._deliver(event)
        except Exception as error:  # noqa: BLE001 a failed delivery is reported and repeated, whatever failed
            self._logger.error("%s: the delivery failed", self.name, error=error)
            return set(identifiers)
        return failed_identifiers(result, identifiers)
