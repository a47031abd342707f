"""However the stream's records come, the end is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from cqrs_nest.pipeline import Driver
    from tests.pipeline.conftest import Service

VERSIONS = 3
COMMANDS = [f"{sk}@{version}" for version in range(1, VERSIONS + 1) for sk in ("A", "B")]
batches = st.lists(st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=6), max_size=4)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=batches, poison=st.sampled_from([None, *COMMANDS]))
def test_any_deliveries_end_in_the_same_rows(
    start: Callable[[Driver], AbstractAsyncContextManager[Service]],
    batches: list[list[str]],
    poison: str | None,
) -> None:
    asyncio.run(_deliver(start, batches, poison))


async def _deliver(
    start: Callable[[Driver], AbstractAsyncContextManager[Service]],
    batches: list[list[str]],
    poison: str | None,
) -> None:
    async with start("stream") as service:
        for sk in COMMANDS:
            item, _, version = sk.partition("@")
            await service.publish(item, sk, version=int(version) - 1)
        records = {sk: service.record(sk) for sk in COMMANDS}
        if poison:
            service.projection.failing.add(poison)
        for batch in batches:
            await service.deliver(*(records[sk] for sk in batch))
        service.projection.failing.clear()
        assert await service.deliver(*records.values()) == []

        assert {service.status(sk) for sk in COMMANDS} == {"finish:FINISHED"}
        for item in ("A", "B"):
            data = service.row("data", item)
            assert data is not None
            assert data["name"] == {"S": f"{item}@{VERSIONS}"}
            versions = [f"{item}@{version}" for version in range(1, VERSIONS + 1)]
            names = [(service.row("history", sk) or {}).get("name") for sk in versions]
            assert names == [*({"S": sk} for sk in versions[:-1]), None]
            seen = [sk for sk in service.projection.seen if sk.startswith(item)]
            assert sorted(seen) == seen
            repeated = [sk for sk in versions if seen.count(sk) != 1]
            assert set(repeated) <= {poison}
