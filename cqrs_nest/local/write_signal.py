"""Tells those who poll an emulated service that something was written to it."""

from __future__ import annotations

import asyncio
import threading


class Pulse:
    """An event that fires again and again: `wait` returns at the next `fire`."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def fire(self) -> None:
        """Wake all who wait now. On the event loop only."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Sleep until the next `fire`."""
        await self._next.wait()


class WriteSignal:
    """Counts writes, which happen in the emulator's threads, for pollers on the event loop.

    With it a poller rests while nothing happens and starts within a millisecond when something does;
    and who waits for everything to be worked off can compare counts instead of guessing.
    """

    def __init__(self) -> None:
        self.writes = 0
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse()

    def record(self) -> None:
        """Note a write that has been carried out. Called from any thread."""
        with self._lock:
            self.writes += 1
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pulse.fire)

    async def wait_beyond(self, seen: int, within: float) -> None:
        """Return when there are more writes than `seen`, or after `within` seconds."""
        if self.writes > seen:
            return
        try:
            async with asyncio.timeout(within):
                await self._pulse.wait()
        except TimeoutError:
            return
