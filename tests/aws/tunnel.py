"""A proxy of HTTP that opens tunnels (CONNECT)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.aws.scripted_server import Request, read_request


@dataclass
class Tunnel:
    address: str = ""
    """Host and port."""
    requests: list[Request] = field(default_factory=list[Request])
    refusal: bytes | None = None
    """The status line in the place of a tunnel."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        self.requests.append(request)
        if self.refusal is None:
            host, _, port = request.target.partition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            self.writers += [writer, far_writer]
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        else:
            writer.write(b"HTTP/1.1 " + self.refusal + b"\r\ncontent-length: 0\r\n\r\n")
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    except ConnectionError:
        pass  # one end is gone: so is the other
    writer.close()


@asynccontextmanager
async def tunnel() -> AsyncIterator[Tunnel]:
    """Listens at `address` during a block."""
    opened = Tunnel()
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        await opened.serve(reader, writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        opened.address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield opened
    for writer in opened.writers:
        writer.transport.abort()
    await asyncio.gather(*tasks)
