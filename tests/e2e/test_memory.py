"""What a service keeps of its requests: nothing. The traffic of `python -m benchmarks memory`, less of it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from benchmarks.memory import ROUND, looks

EACH = len(ROUND) * 2
"""Requests between two looks, every one with a caller, ids and a path of its own."""
BYTES_OF_A_REQUEST = 40
"""Less than a text that was kept of each would take."""


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def test_requests_leave_nothing_behind(traced: None) -> None:
    live: list[int] = []

    def look() -> None:
        live.append(tracemalloc.get_traced_memory()[0])

    await looks(3, EACH, look)
    assert live[2] - live[1] < EACH * BYTES_OF_A_REQUEST
