"""Strong consistency on request: a publish, or a query, that waits for the projections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cqrs_nest.commands import CommandModel, CommandService, DataService, DetailKey, NotAppliedException

if TYPE_CHECKING:
    from tests.pipeline.conftest import Projection, Service

ROW: dict[str, Any] = {"pk": "TODO#acme", "sk": "A", "id": "TODO#acme#A", "name": "first", "version": 0}
KEY = DetailKey("TODO#acme", "A")


async def deliver_once_published(service: Service, sk: str = "A@1", table: str = "todo") -> None:
    while await service.commands(table).get_item(pk=KEY.pk, sk=sk, consistent_read=True) is None:
        pass
    assert await service.deliver(service.record(sk, table=table)) == []


async def test_a_strong_publish_returns_when_the_projections_have_applied_it(service: Service) -> None:
    async def publish() -> list[str]:
        command = await service.commands().publish_async(ROW, consistency="strong")
        assert isinstance(command, CommandModel)
        return list(service.projection.seen)

    seen, _ = await asyncio.gather(publish(), deliver_once_published(service))
    assert seen == ["A@1"]


@pytest.mark.parametrize(
    "change",
    [
        lambda commands, **how: commands.publish_partial_update_async(
            {"pk": "TODO#acme", "sk": "A", "version": 1, "name": "second"}, **how
        ),
        lambda commands, **how: commands.update(KEY, lambda item: {"name": "second"}, **how),
        lambda commands, **how: commands.duplicate(pk="TODO#acme", sk="A@1", **how),
    ],
    ids=["publish_partial_update_async", "update", "duplicate"],
)
async def test_every_asynchronous_publish_can_wait(service: Service, change: Any) -> None:
    await service.publish("A", "first")
    await service.deliver(service.record("A@1"))

    async def publish() -> list[str]:
        assert await change(service.commands(), consistency="strong")
        return list(service.projection.seen)

    seen, _ = await asyncio.gather(publish(), deliver_once_published(service, "A@2"))
    assert seen == ["A@1", "A@2"]
    with pytest.raises(ValueError, match="has no projection Search"):
        await change(service.commands(), consistency="strong", projections=["Search"])
    assert service.row("command", "A@3") is None


async def test_a_synchronous_update_has_nothing_to_wait_for(service: Service) -> None:
    await service.commands().publish_sync(ROW)
    changed = await service.commands().update(
        KEY, lambda item: {"name": "second"}, sync=True, consistency="strong", timeout=0.5
    )
    assert changed is not None
    assert service.projection.seen == ["A@1", "A@2"]


async def test_it_gives_up_after_the_timeout_and_the_command_is_accepted(service: Service) -> None:
    with pytest.raises(NotAppliedException, match=r"not applied within 0\.01 seconds") as raised:
        await service.commands().publish_async(ROW, consistency="strong", timeout=0.01)
    assert (raised.value.key, raised.value.version) == (KEY, 1)
    assert raised.value.body()["statusCode"] == 504
    assert service.row("command", "A@1") is not None


async def test_projections_are_named_by_class_or_by_name(
    service: Service, projection_class: type[Projection]
) -> None:
    for projections in ([projection_class], ["Projection"], []):
        with pytest.raises(NotAppliedException):
            await service.commands().publish_async(
                {**ROW, "sk": f"{len(projections)}{projections}"},
                consistency="strong",
                projections=projections,
                timeout=0.001,
            )


async def test_an_unknown_projection_is_refused_before_anything_is_written(service: Service) -> None:
    with pytest.raises(ValueError, match="has no projection Search; it has: Projection"):
        await service.commands().publish_async(ROW, consistency="strong", projections=["Search"])
    with pytest.raises(ValueError, match="strong"):
        await service.commands().publish_async(ROW, projections=["Projection"])
    assert service.row("command", "A@1") is None


async def test_a_query_waits_for_a_version(service: Service) -> None:
    data = service.service(DataService)
    await service.publish("A", "first")
    waiting = asyncio.create_task(data.wait_for(KEY, 2))
    await service.deliver(service.record("A@1"))
    await service.publish("A", "second", version=1)
    assert not waiting.done()
    await service.deliver(service.record("A@2"))
    await waiting
    assert service.projection.seen == ["A@1", "A@2"]
    await data.wait_for(DetailKey("TODO#acme", "A@1"), 1, timeout=1)


async def test_a_version_whose_command_has_expired_is_not_waited_for(service: Service) -> None:
    await service.publish("A", "first")
    await service.deliver(service.record("A@1"))
    service.delete("command", "A@1")
    await service.service(DataService).wait_for(KEY, 1, timeout=1)


async def test_a_table_without_data_rows_is_waited_for_by_its_commands(service: Service) -> None:
    commands = service.service(CommandService, "note")
    publishing = commands.publish_async({**ROW, "sk": "N"}, consistency="strong")
    published, _ = await asyncio.gather(publishing, deliver_once_published(service, "N@1", "note"))
    assert published
