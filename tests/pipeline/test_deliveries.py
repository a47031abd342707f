"""However the stream's records come, the end is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.test_stream_driver import statuses

if TYPE_CHECKING:
    from cqrs_nest.pipeline import Driver
    from tests.pipeline.conftest import Service

VERSIONS = 3
ITEMS = ("A", "B")
COMMANDS = [f"{sk}@{version}" for version in range(1, VERSIONS + 1) for sk in ITEMS]


@dataclass(frozen=True)
class Batch:
    """Records in any order, repeated or left out; the delivery ends after so many calls (None: never)."""

    commands: list[str]
    calls: int | None


batches = st.lists(
    st.builds(
        Batch,
        st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=6),
        st.one_of(st.none(), st.integers(0, 25)),
    ),
    max_size=4,
)
Start = Callable[["Driver"], AbstractAsyncContextManager["Service"]]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=batches, poison=st.sampled_from([None, *COMMANDS]), rest=st.permutations(COMMANDS))
def test_any_deliveries_end_in_the_same_rows(
    start: Start, batches: list[Batch], poison: str | None, rest: list[str]
) -> None:
    asyncio.run(_deliver(start, batches, poison, rest))


async def _deliver(start: Start, batches: list[Batch], poison: str | None, rest: list[str]) -> None:
    async with start("stream") as service:
        for sk in COMMANDS:
            item, _, version = sk.partition("@")
            await service.publish(item, sk, version=int(version) - 1)
        records = {sk: service.record(sk) for sk in COMMANDS}
        if poison:
            service.projection.failing.add(poison)
        for batch in batches:
            await _cut_off(service, [records[sk] for sk in batch.commands], batch.calls)
        service.projection.failing.clear()
        # What the stream still owes: of each item only its newest record, in any order.
        last = [sk for sk in rest if sk.endswith(f"@{VERSIONS}")]
        assert await service.deliver(*(records[sk] for sk in last)) == []
        _check(service, poison, was_cut_off=any(batch.calls is not None for batch in batches))


async def _cut_off(service: Service, records: list[dict[str, Any]], calls: int | None) -> None:
    """Deliver a batch whose process ends at one of its calls to AWS, or not at all."""
    if calls is None:
        await service.deliver(*records)
        return
    left = iter(range(calls))
    delivery = asyncio.create_task(service.deliver(*records))
    loop = asyncio.get_running_loop()

    def count(**_: Any) -> None:
        if next(left, None) is None:
            loop.call_soon_threadsafe(delivery.cancel)

    clients = [service.client(name) for name in ("dynamodb", "sns")]
    for client in clients:
        client.meta.events.register("before-call", count)
    await asyncio.gather(delivery, return_exceptions=True)
    for client in clients:
        client.meta.events.unregister("before-call", count)


def _check(service: Service, poison: str | None, *, was_cut_off: bool) -> None:
    assert {service.status(sk) for sk in COMMANDS} == {"finish:FINISHED"}
    for item in ITEMS:
        data = service.row("data", item)
        assert data is not None
        assert data["name"] == {"S": f"{item}@{VERSIONS}"}
        versions = [f"{item}@{version}" for version in range(1, VERSIONS + 1)]
        names = [(service.row("history", sk) or {}).get("name") for sk in versions]
        assert names == [*({"S": sk} for sk in versions[:-1]), None]
        seen = [sk for sk in service.projection.seen if sk.startswith(item)]
        assert sorted(seen) == seen
        assert set(seen) == set(versions)
        repeated = {sk for sk in versions if seen.count(sk) != 1}
        assert was_cut_off or repeated <= {poison}
    told = set(statuses(service.world.messages("all-raw")))
    assert told >= {f"{sk} finish:FINISHED" for sk in COMMANDS}
