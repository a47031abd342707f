"""`MasterItems`: what creating and changing settings and data have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, Unpack

from cqrs_nest.commands import CommandInput, CommandModel, CommandService, DetailKey
from cqrs_nest.common import BadRequestException, HttpException, Injectable
from cqrs_nest.context import Caller

Changes: TypeAlias = Mapping[str, Any]


@Injectable()
class MasterItems:
    """Publishes master items; each change is made to the newest version, applied or not."""

    def __init__(self, commands: CommandService) -> None:
        self._commands = commands

    async def newest(self, key: DetailKey, **caller: Unpack[Caller]) -> CommandModel | None:
        """The newest version of an item, applied or not; None when there is none."""
        return await self._commands.get_latest_item(
            pk=key.pk, sk=key.sk, allow_cross_tenant=caller.get("allow_cross_tenant", False)
        )

    async def create(
        self, items: Sequence[CommandInput], exists: Callable[[CommandInput], str], **caller: Unpack[Caller]
    ) -> list[CommandModel]:
        """Create all items, or anew those that were deleted.

        Raises BadRequestException with what `exists` says, and nothing is written, when one of them is there
        or comes twice.
        """
        newest = await asyncio.gather(*(self.newest(DetailKey(item.pk, item.sk), **caller) for item in items))
        seen: set[str] = set()
        for item, found in zip(items, newest, strict=True):
            if item.id in seen or (found is not None and not found.is_deleted):
                raise BadRequestException(exists(item))
            seen.add(item.id)
        # All have ended before one's error is told: nothing goes on behind the answer.
        published = await asyncio.gather(
            *(self._publish(item, found, **caller) for item, found in zip(items, newest, strict=True)),
            return_exceptions=True,
        )
        return [_published(each) for each in published]

    async def upsert(self, item: CommandInput, **caller: Unpack[Caller]) -> CommandModel:
        """Create or replace an item; one that is the same already stays, and is given without request id."""
        newest = await self.newest(DetailKey(item.pk, item.sk), **caller)
        if newest is not None and item.seq is None and newest.seq is not None:
            item.seq = newest.seq
        return await self._publish(item, newest, **caller)

    async def change(
        self,
        key: DetailKey,
        missing: HttpException,
        change: Callable[[CommandModel], Changes | None],
        **caller: Unpack[Caller],
    ) -> CommandModel | None:
        """Change an item, deleted or not; None when nothing changes. Raises `missing` for none."""

        def change_present(item: CommandModel | None) -> Changes | None:
            if item is None:
                raise missing
            return change(item)

        return await self._commands.update(key, change_present, **caller)

    async def _publish(
        self, item: CommandInput, newest: CommandModel | None, **caller: Unpack[Caller]
    ) -> CommandModel:
        if newest is not None:
            item.version = newest.version
        published = await self._commands.publish_async(item, **caller)
        if published is not None:
            return published
        assert newest is not None  # noqa: S101 only what is there already can be unchanged
        row = newest.to_row()
        row.pop("requestId", None)
        return CommandModel.from_row(row)


def _published(outcome: CommandModel | BaseException) -> CommandModel:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
