"""An application of a few controllers, called in memory or over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx
import pytest
import uvicorn

from cqrs_nest.http import HttpApplication
from tests.http import serving


class Build(Protocol):
    """Makes an application of controllers and providers."""

    def __call__(
        self, *controllers: type, providers: Sequence[Any] = (), imports: Sequence[Any] = (), **options: Any
    ) -> Awaitable[HttpApplication]: ...


class Serve(Protocol):
    """Makes an application and a client that calls it in memory."""

    def __call__(
        self, *controllers: type, providers: Sequence[Any] = (), imports: Sequence[Any] = (), **options: Any
    ) -> Awaitable[httpx.AsyncClient]: ...


@pytest.fixture
def build() -> Build:
    return serving.build


@pytest.fixture
def client_of() -> Callable[[Any], httpx.AsyncClient]:
    return serving.client_of


@pytest.fixture
def serve() -> Serve:
    return serving.serve


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture
def listening() -> Callable[[Any], Any]:
    """`async with listening(application) as (host, port)`: the application behind uvicorn on a free port."""

    @asynccontextmanager
    async def listen(application: Any) -> AsyncIterator[tuple[str, int]]:
        # asyncio switches off Nagle's algorithm only for sockets that say their protocol.
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application, lifespan="off", log_config=None, access_log=False, ws="none")
        server = _Server(config)
        running = asyncio.create_task(server.serve(sockets=[bound]))
        await server.listening.wait()
        try:
            yield bound.getsockname()
        finally:
            server.should_exit = True
            await running
            bound.close()

    return listen
