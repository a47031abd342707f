"""How far a rebuild has come, kept beside the rows it writes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
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
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands.replay import ReplayPage
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.read_models.columns import MYSQL

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


_LOCK: Final = 0x63717273_6E657374
"""The number by which PostgreSQL knows the lock of those who change tables."""
_SECONDS: Final = 60


class RebuildTakenOverError(CqrsNestError):
    """Somebody else has begun to rebuild the same projection, or has gone on with it."""


@dataclass(frozen=True)
class SegmentState:
    """Where a segment goes on, how many rows it has read, and whether it is through."""

    position: Mapping[str, str] | None
    read: int
    done: bool


class RebuildState:
    """The segments of one projection's rebuild, and whose it is.

    A page's rows and the position behind it are written in one transaction, so a page is written once
    however often the rebuild is killed. Whoever claimed the state last owns it; the one before stops at its
    next step, as each asks for its owner and keeps the answer true until it is done.
    """

    def __init__(self, projection: str, plan: str) -> None:
        self._projection = projection
        self._plan = plan
        self._owner = uuid4().hex
        self._mine = (REBUILDS.c.projection == projection, REBUILDS.c.owner == self._owner)

    async def claim(self, connection: AsyncConnection) -> str | None:
        """The plan of a rebuild to go on with, which is this process's now; None without one."""
        await connection.run_sync(REBUILDS.create, checkfirst=True)
        of_projection = REBUILDS.c.projection == self._projection
        await connection.execute(update(REBUILDS).where(of_projection).values(owner=self._owner))
        plan: str | None = await connection.scalar(select(REBUILDS.c.plan).where(of_projection).limit(1))
        return plan

    async def begin(self, connection: AsyncConnection, segments: int) -> None:
        """Note the segments of a rebuild that begins."""
        row = {
            "projection": self._projection,
            "plan": self._plan,
            "owner": self._owner,
            "read": 0,
            "done": False,
        }
        await connection.execute(insert(REBUILDS), [{**row, "segment": n} for n in range(segments)])

    async def own(self, connection: AsyncConnection) -> None:
        """Keep the rebuild for this transaction. Raises RebuildTakenOverError when it is somebody else's."""
        # One row is enough: who claims the rebuild changes them all.
        first = select(REBUILDS.c.owner).where(*self._mine, REBUILDS.c.segment == 0).with_for_update()
        if (await connection.execute(first)).first() is None:
            raise self._taken_over()

    async def segments(self, connection: AsyncConnection) -> list[SegmentState]:
        """How far each segment is."""
        columns = (REBUILDS.c.position, REBUILDS.c.read, REBUILDS.c.done)
        rows = await connection.execute(select(*columns).where(*self._mine).order_by(REBUILDS.c.segment))
        return [SegmentState(json.loads(at) if at else None, read, done) for at, read, done in rows]

    async def advance(self, connection: AsyncConnection, segment: int, page: ReplayPage) -> None:
        """Note that a page is written. Raises RebuildTakenOverError when somebody else rebuilds now."""
        noted = await connection.execute(
            update(REBUILDS)
            .where(*self._mine, REBUILDS.c.segment == segment)
            .values(position=json.dumps(page.position), read=REBUILDS.c.read + page.read, done=page.is_last)
        )
        if not noted.rowcount:
            raise self._taken_over()

    async def end(self, connection: AsyncConnection) -> None:
        """Forget the rebuild."""
        await connection.execute(delete(REBUILDS).where(*self._mine))

    def _taken_over(self) -> RebuildTakenOverError:
        return RebuildTakenOverError(
            f"Another process rebuilds {self._projection} now, or has done so; this one has stopped.\n"
            "Fix: let the other one end."
        )


@asynccontextmanager
async def exclusively(connection: AsyncConnection) -> AsyncGenerator[None]:
    """A block of a transaction that changes tables or claims a rebuild; no two are in one at a time.

    SQLite has one writer anyway. MySQL and MariaDB end a transaction, and what it locks, with every change
    of a table; only a lock by name stays. Raises RebuildTakenOverError when it is not free for too long.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if connection.dialect.name not in MYSQL:
        yield
        return
    name = func.concat(REBUILDS.name, " ", func.left(func.md5(func.database()), 32))  # they are the server's
    if not await connection.scalar(select(func.get_lock(name, _SECONDS))):
        raise RebuildTakenOverError(
            f"Another process has been changing tables for a rebuild for {_SECONDS} seconds.\n"
            "Fix: see what holds it up, and run this again."
        )
    try:
        yield
    finally:
        await connection.execute(select(func.release_lock(name)))
