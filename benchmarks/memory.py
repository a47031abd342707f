"""What a process has kept after 100,000 requests, each of another caller, item, address or path than before.

python -m benchmarks memory
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

from pydantic_core import from_json, to_json

from benchmarks.figure import Figure, at_most
from benchmarks.scale.sample_service import SampleService, sample_service, token_of
from cqrs_nest.commands import ttl_service
from cqrs_nest.context import token_check
from cqrs_nest.context.signed_tokens import SignedTokens

REQUESTS = 100_000
WARM = 20_000
"""Requests after which connections, threads and the caches of libraries are what they will be."""
LOOKS = 20


class Traffic:
    """Requests of ever new callers, of whom each sends two."""

    def __init__(self, service: SampleService) -> None:
        self._service = service
        self._sent = 0
        self._token = ""

    async def send(self, count: int) -> None:
        """The next so many requests; every answer is what it should be."""
        for number in range(self._sent, self._sent + count):
            tenant = f"tenant{number // 2}"
            if number % 2 == 0:
                self._token = token_of(f"user{number // 2}", tenant)
            await self._send(number, tenant)
        self._sent += count
        await self._service.settle()

    async def _send(self, number: int, tenant: str) -> None:
        request = requests(number, tenant)[ROUND[number % len(ROUND)]]
        token = f"{self._token}{number}" if request.status == 401 else self._token
        answered = await self._service.request(
            request.method,
            request.path,
            token,
            body=request.body,
            query=request.query,
            request_id=f"request-{number}",
            address=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        )
        assert answered == request.status, (request, answered)


class Request(NamedTuple):
    """A request and the status that answers it."""

    method: str
    path: str
    status: int = 200
    body: Any = None
    query: str = ""


def requests(number: int, tenant: str) -> dict[str, Request]:
    """By what they do, each with something in it that no earlier one had."""
    todos = "/api/todo"
    item = f"{todos}/TODO%23{tenant}/{number:026}"
    return {
        "create": Request("POST", todos, 201, {"name": f"milk {number}"}),
        "change": Request("PATCH", item, 200, {"version": 1, "name": f"tea {number}"}),
        "get": Request("GET", item),
        "list": Request("GET", todos, query=f"pageSize={number % 9 + 1}"),
        "search": Request("GET", f"{todos}/search", query=f"keyword=milk{number}&tag=t{number}"),
        "lost": Request("GET", f"/nothing/{number}", 404),
        "invalid": Request("POST", todos, 400, {"name": "", f"extra{number}": 1}),
        "forged": Request("GET", todos, 401),
    }


_USUAL = ("create", "get", "change", "get", "create", "lost", "create", "get", "lost", "get", "invalid")
ROUND = [*(*_USUAL, "forged", "list", "get") * 9, *_USUAL, "forged", "search", "get"]
"""What is done, again and again."""


async def looks(count: int, each: int, look: Callable[[], object]) -> None:
    """Send `each` requests, so many times; `look` after each time, when all garbage is gone.

    What is remembered of tenants and tokens has little room here, so that it is full before the first look.
    """
    # pydantic keeps 16,384 short texts that it has seen in JSON; fill that before, as new ones do it slowly.
    from_json(to_json([f"text {number:018}" for number in range(200_000)]))
    with (
        patch.object(ttl_service, "MAX_CACHED", 50),
        patch.object(token_check, "SignedTokens", partial(SignedTokens, 20_000)),
    ):
        async with sample_service() as service:
            traffic = Traffic(service)
            for _ in range(count):
                await traffic.send(each)
                gc.collect()
                look()


def resident() -> float:
    """KiB of memory that the process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def blocks() -> float:
    """Objects that Python has allocated."""
    return sys.getallocatedblocks()


def growth(seen: Sequence[float]) -> float:
    """What comes with a thousand requests more: the median of all slopes, as memory comes in steps."""
    slopes = [(seen[j] - seen[i]) / (j - i) for i, j in combinations(range(len(seen)), 2)]
    return median(slopes) / (REQUESTS / LOOKS / 1000)


def measure() -> list[Figure]:
    """The slopes after the first requests."""
    seen: list[tuple[float, float]] = []
    asyncio.run(looks(LOOKS, REQUESTS // LOOKS, lambda: seen.append((resident(), blocks()))))
    warm = seen[WARM * LOOKS // REQUESTS - 1 :]
    memory, objects = ([pair[side] for pair in warm] for side in (0, 1))
    size = f"of 1,000 requests more, after {WARM:,}"
    curve = tuple((REQUESTS / LOOKS * (look + 1), pair[0] / 1024) for look, pair in enumerate(seen))
    return [
        Figure(f"memory {size}", "KiB", growth(memory), goal=at_most(5)),
        Figure(f"objects {size}", "", growth(objects), goal=at_most(50)),
        Figure(
            f"memory of the process, after {REQUESTS:,} requests",
            "MiB",
            curve[-1][1],
            curve=curve,
            axis="requests",
        ),
    ]
