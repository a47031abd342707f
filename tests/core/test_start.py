"""What is left, and what is said, when building or starting an application goes wrong."""

import asyncio
import gc
from typing import Any

import pytest

from cqrs_nest.common import DynamicModule, provide
from cqrs_nest.core import Container, InvalidProviderError, StartCancelledError


class A: ...


def app(*providers: Any) -> DynamicModule:
    return DynamicModule(type("App", (), {}), providers=providers)


async def cancel() -> A:
    await asyncio.sleep(0)
    raise asyncio.CancelledError


async def test_a_factory_that_ends_as_cancelled_stops_the_start() -> None:
    class NeedsA:
        def __init__(self, a: A) -> None: ...

    with pytest.raises(StartCancelledError, match="the factory of A in App was cancelled"):
        await Container.create(app(NeedsA, provide(A, use_factory=cancel)))


async def test_a_hook_that_ends_as_cancelled_stops_the_start() -> None:
    class Cancelled:
        async def on_module_init(self) -> None:
            await cancel()

    container = await Container.create(app(Cancelled))

    with pytest.raises(StartCancelledError, match=r"Cancelled\.on_module_init was cancelled"):
        await container.initialize()


async def test_a_start_that_is_cancelled_from_outside_ends_as_cancelled() -> None:
    started = asyncio.Event()

    async def wait() -> None:
        started.set()
        await asyncio.Event().wait()

    start = asyncio.create_task(Container.create(app(provide("wait", use_factory=wait))))
    await started.wait()
    start.cancel()

    with pytest.raises(asyncio.CancelledError):
        await start


async def test_of_several_failures_the_first_is_raised_and_tells_of_the_others() -> None:
    async def first() -> None:
        raise LookupError("no table")

    async def second() -> None:
        raise ConnectionError("no database")

    with pytest.raises(LookupError, match="no table") as raised:
        await Container.create(app(provide("1", use_factory=first), provide("2", use_factory=second)))

    notes = "".join(raised.value.__notes__)
    assert 'while building "1" (App)' in notes
    assert "ConnectionError: no database" in notes
    assert 'while building "2" (App)' in notes


async def test_an_application_that_failed_to_start_stays_failed() -> None:
    class Failing:
        async def on_module_init(self) -> None:
            raise ConnectionError("no database")

    container = await Container.create(app(Failing))

    for _ in range(2):
        with pytest.raises(ConnectionError, match="no database"):
            await container.initialize()


async def test_an_application_whose_start_was_cancelled_stays_unstarted() -> None:
    started = asyncio.Event()

    class Waiting:
        async def on_module_init(self) -> None:
            started.set()
            await asyncio.Event().wait()

    container = await Container.create(app(Waiting))
    start = asyncio.create_task(container.initialize())
    await started.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    with pytest.raises(StartCancelledError, match="was cancelled while it started"):
        await container.initialize()


class Connection:
    def __init__(self) -> None:
        self.is_open = True

    async def on_module_destroy(self) -> None:
        self.is_open = False


async def test_what_was_built_before_a_failure_is_closed() -> None:
    connection = Connection()

    async def connect() -> Connection:
        return connection

    def fail(connection: Connection) -> None:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        await Container.create(app(provide(Connection, use_factory=connect), provide("x", use_factory=fail)))

    assert not connection.is_open


async def test_a_failure_to_close_after_a_failure_is_noted() -> None:
    class Stuck:
        def on_application_shutdown(self, signal: str | None) -> None:
            raise OSError("still busy")

    def fail(stuck: Stuck) -> None:
        raise LookupError("no table")

    with pytest.raises(LookupError) as raised:
        await Container.create(app(Stuck, provide("x", use_factory=fail)))

    assert "OSError: still busy" in "".join(raised.value.__notes__)


async def test_a_shutdown_hook_need_not_take_the_signal() -> None:
    log: list[object] = []

    class Short:
        def before_application_shutdown(self) -> None:
            log.append("before")

        async def on_application_shutdown(self, *, grace: int = 3) -> None:
            log.append(grace)

    class Long:
        async def on_application_shutdown(self, signal: str | None) -> None:
            log.append(signal)

    container = await Container.create(app(Short, Long))
    await container.close("SIGTERM")

    assert log == ["before", 3, "SIGTERM"]


@pytest.mark.parametrize("name", ["on_module_init", "on_application_shutdown"])
async def test_a_hook_that_cannot_be_called_stops_the_start(name: str) -> None:
    container = await Container.create(app(type("Broken", (), {name: 3})))

    with pytest.raises(InvalidProviderError, match=f"{name} of <Broken of App> must be a method, not 3"):
        await container.initialize()


async def test_no_async_factory_is_left_unawaited_when_another_one_fails() -> None:
    async def connect() -> None: ...

    def fail() -> None:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        await Container.create(app(provide("1", use_factory=connect), provide("2", use_factory=fail)))
    gc.collect()


async def test_no_async_hook_is_left_unawaited_when_another_one_fails() -> None:
    class Opening:
        async def on_module_init(self) -> None: ...

    class Failing:
        def on_module_init(self) -> None:
            raise LookupError("no table")

    container = await Container.create(app(Opening, Failing))
    with pytest.raises(LookupError, match="no table"):
        await container.initialize()
    gc.collect()
