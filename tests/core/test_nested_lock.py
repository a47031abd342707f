"""Who waits for whom at a nested lock."""

import asyncio

from cqrs_nest.core.nested_lock import NestedLock


class Room:
    """Counts who is in it at the same time."""

    def __init__(self, lock: NestedLock) -> None:
        self.lock = lock
        self.inside = 0
        self.most = 0

    async def visit(self) -> None:
        async with self.lock.hold():
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(0)
            self.inside -= 1


async def test_blocks_run_one_at_a_time() -> None:
    room = Room(NestedLock())

    await asyncio.gather(room.visit(), room.visit())

    assert room.most == 1


async def test_blocks_within_a_block_run_one_at_a_time() -> None:
    room = Room(NestedLock())

    async with asyncio.timeout(10), room.lock.hold():
        await asyncio.gather(room.visit(), room.visit())

    assert room.most == 1


async def test_a_task_that_outlives_its_block_waits_like_all() -> None:
    room = Room(NestedLock())
    may_go = asyncio.Event()

    async def visit_later() -> None:
        await may_go.wait()
        await room.visit()

    async with room.lock.hold():
        task = asyncio.create_task(visit_later())
    async with room.lock.hold():
        may_go.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert room.most == 0
    await task

    assert room.most == 1


async def test_blocks_of_another_lock_are_no_concern() -> None:
    room = Room(NestedLock())

    async with NestedLock().hold():
        await asyncio.gather(room.visit(), room.visit())

    assert room.most == 1
