"""A server of HTTP on a socket that answers by a script, also what no proper server answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer. Without a status the connection is closed in its place."""

    status: int | None = 200
    body: bytes = b"{}"
    headers: tuple[str, ...] = ()
    until: asyncio.Event | None = None
    """What to wait for before it is sent, from the part `held_at` on."""
    held_at: float = 0.0
    sends: float = 1.0
    """The part of it that is sent before the connection is closed."""
    is_reset: bool = False
    """Whether the connection is reset, not closed, where it is not kept."""
    keeps_open: bool = True
    raw: bytes | None = None
    """What is sent in the place of an answer, before the connection is closed."""

    def on_the_wire(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} X", f"content-length: {len(self.body)}", *self.headers, "", ""]
        return "\r\n".join(lines).encode() + self.body


CLOSED = Reply(status=None)


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Answers each request with the next reply of its script, and the last one ever after."""

    url: str = ""
    script: list[Reply] = field(default_factory=list[Reply])
    answer: Callable[[Request], Reply] | None = None
    """What answers in the place of the script."""
    requests: list[Request] = field(default_factory=list[Request])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by each request."""
    opened: int = 0
    """Connections, ever."""
    open: int = 0
    most_open: int = 0
    crowd: int = 0
    is_crowded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when as many connections as `crowd` are open."""

    def __post_init__(self) -> None:
        self.held: list[asyncio.Event] = []
        self.connections: list[tuple[asyncio.Task[Any], asyncio.StreamWriter]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.append((task, writer))
        self.opened += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        if self.open == self.crowd:
            self.is_crowded.set()
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone
        self.open -= 1
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        request = await read_request(reader)
        self.requests.append(request)
        self.arrived.set()
        reply = self._next() if self.answer is None else self.answer(request)
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        if reply.status is not None:
            content = reply.on_the_wire()
            held, end = (int(len(content) * part) for part in (reply.held_at, reply.sends))
            writer.write(content[:held])
            await self._hold(reply.until)
            writer.write(content[held:end])
            await writer.drain()
            if reply.keeps_open and reply.sends == 1:
                return True
        if reply.is_reset:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return False

    def _next(self) -> Reply:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    async def _hold(self, until: asyncio.Event | None) -> None:
        if until is not None:
            self.held.append(until)
            await until.wait()


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def scripted_server(
    tls: SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[ScriptedServer]:
    """Listens at `url` during a block; every connection is closed at its end."""
    scripted = ScriptedServer()
    async with await asyncio.start_server(scripted.serve, "127.0.0.1", 0, ssl=tls) as listening:
        port = listening.sockets[0].getsockname()[1]
        scripted.url = f"{'http' if tls is None else 'https'}://{host}:{port}"
        try:
            yield scripted
        finally:
            for event in scripted.held:
                event.set()
            for task, writer in scripted.connections:
                writer.transport.abort()
                await task
