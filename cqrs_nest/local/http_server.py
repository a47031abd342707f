"""uvicorn, without its own ideas about signals: the runtime decides when everything ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

_GRACEFUL_SECONDS = 5


class HttpServer(uvicorn.Server):
    """Serves an ASGI application on a socket that already listens."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            )
        )
        self._task = asyncio.create_task(self.serve(sockets=[listener]), name="http server")

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the process's signal handlers as they are."""
        yield

    async def close(self) -> None:
        """Finish the requests in hand and stop serving."""
        self.should_exit = True
        await self._task
