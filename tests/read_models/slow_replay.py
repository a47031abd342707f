"""A replay during which something happens, and what ends it like a kill."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from cqrs_nest.commands import Replay, ReplaySource
from cqrs_nest.commands.replay import ReplayPage
from cqrs_nest.read_models import SqlProjection
from cqrs_nest.read_models.rebuild import Rebuild
from tests.read_models.command_store import CommandStore

AfterPage = Callable[[int], Awaitable[object]]


class EndedError(Exception):
    """The process was killed."""


class SlowReplay(Replay):
    """Reads a row at a time, and does something after each page."""

    def __init__(self, replay: Replay, after: AfterPage) -> None:
        vars(self).update(vars(replay))
        self.after = after
        self.count_of_pages = 0

    async def pages(self, *arguments: Any, **options: Any) -> AsyncIterator[ReplayPage]:
        async for page in super().pages(*arguments, **{**options, "rows": 1}):
            yield page
            self.count_of_pages += 1
            await self.after(self.count_of_pages)


def rebuild(
    store: CommandStore,
    after: AfterPage,
    source: ReplaySource = "commands",
    projection: SqlProjection | None = None,
) -> Rebuild:
    """A rebuild in two segments, a row at a time."""
    return Rebuild(
        projection or store.projection,
        SlowReplay(store.replay, after),
        source=source,
        segments=2,
        report=lambda rows: None,
    )
