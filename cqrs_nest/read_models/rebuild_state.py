"""How far a rebuild has come, kept beside the rows it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands.replay import ReplayPage
from cqrs_nest.core.errors import CqrsNestError

REBUILDS: Final = Table(
    "projection_rebuilds",
    MetaData(),
    Column("projection", String(200), primary_key=True),
    Column("segment", Integer, primary_key=True),
    Column("plan", String(200), nullable=False),
    Column("owner", String(32), nullable=False),
    Column("position", Text),
    Column("read", BigInteger, nullable=False, quote=True),
    Column("done", Boolean, nullable=False),
)
"""One row for each segment of each rebuild that has begun."""


class RebuildTakenOverError(CqrsNestError):
    """Somebody else has begun to rebuild the same projection, or has gone on with it."""


@dataclass(frozen=True)
class SegmentState:
    """Where a segment goes on, how many rows it has read, and whether it is through."""

    position: Mapping[str, str] | None
    read: int
    done: bool


class RebuildState:
    """The segments of one projection's rebuild.

    A page's rows and the position behind it are written in one transaction, so a page is written once however
    often the rebuild is killed. Whoever opened the state last owns it; the one before stops at its next page.
    """

    def __init__(self, projection: str, plan: str) -> None:
        self._projection = projection
        self._plan = plan
        self._owner = uuid4().hex

    async def take_over(self, connection: AsyncConnection) -> bool:
        """Whether there is a rebuild after the same plan to go on with; it is this process's now."""
        await connection.run_sync(REBUILDS.create, checkfirst=True)
        mine = update(REBUILDS).where(REBUILDS.c.projection == self._projection)
        taken = await connection.execute(mine.where(REBUILDS.c.plan == self._plan).values(owner=self._owner))
        return taken.rowcount > 0

    async def begin(self, connection: AsyncConnection, segments: int) -> None:
        """Begin anew."""
        await self.end(connection)
        row = {
            "projection": self._projection,
            "plan": self._plan,
            "owner": self._owner,
            "read": 0,
            "done": False,
        }
        await connection.execute(insert(REBUILDS), [{**row, "segment": n} for n in range(segments)])

    async def segments(self, connection: AsyncConnection) -> list[SegmentState]:
        """How far each segment is."""
        columns = (REBUILDS.c.position, REBUILDS.c.read, REBUILDS.c.done)
        found = select(*columns).where(REBUILDS.c.projection == self._projection)
        rows = await connection.execute(found.order_by(REBUILDS.c.segment))
        return [SegmentState(json.loads(at) if at else None, read, done) for at, read, done in rows]

    async def advance(self, connection: AsyncConnection, segment: int, page: ReplayPage) -> None:
        """Note that a page is written. Raises RebuildTakenOverError when somebody else rebuilds now."""
        noted = await connection.execute(
            update(REBUILDS)
            .where(
                REBUILDS.c.projection == self._projection,
                REBUILDS.c.segment == segment,
                REBUILDS.c.owner == self._owner,
            )
            .values(position=json.dumps(page.position), read=REBUILDS.c.read + page.read, done=page.is_last)
        )
        if not noted.rowcount:
            raise RebuildTakenOverError(
                f"Another process rebuilds {self._projection} now; this one has stopped.\n"
                "Fix: let the other one end."
            )

    async def end(self, connection: AsyncConnection) -> None:
        """Forget the rebuild."""
        await connection.execute(delete(REBUILDS).where(REBUILDS.c.projection == self._projection))
