"""Requests that uvicorn answers in a second of CPU, next to bare Starlette and FastAPI in the same run.

The server's own CPU time is what counts: what else runs on the machine does not.
python -m benchmarks server
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from benchmarks.figure import Figure, at_least, beside

NAMES = ("cqrs_nest", "controllers", "starlette", "fastapi")
CONNECTIONS = 32
SECONDS = 0.5
BODY = b'{"name":"Tom","age":3,"tags":["a","b"]}'
GET = b"GET /cats/7 HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n"
POST = (
    b"POST /cats HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    % len(BODY)
) + BODY


class Connection(asyncio.Protocol):
    """Sends the request again as soon as it is answered, until the time is over."""

    def __init__(self, request: bytes, until: float) -> None:
        self.request, self.until, self.answered, self.received = request, until, 0, b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not found or len(body) < length:
            return
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            self.done.set_exception(AssertionError(head.decode()))
            return
        self.answered, self.received = self.answered + 1, b""
        if perf_counter() < self.until:
            self.transport.write(self.request)
        else:
            self.transport.close()
            self.done.set_result(self.answered)


def cpu_seconds(process: int) -> float:
    """The time that the server's event loop had a CPU, so far."""
    nanoseconds = Path(f"/proc/{process}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9


async def requests_per_second(server: int, port: int, request: bytes) -> float:
    loop, until, started = asyncio.get_running_loop(), perf_counter() + SECONDS, cpu_seconds(server)
    opened = [
        loop.create_connection(lambda: Connection(request, until), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    connections = [connection for _, connection in await asyncio.gather(*opened)]
    answered: int = sum(await asyncio.gather(*(connection.done for connection in connections)))
    return answered / (cpu_seconds(server) - started)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def serve(name: str, port: int) -> subprocess.Popen[str]:
    """The server of one framework, once it listens."""
    application = f"benchmarks.peers.applications:{name}"
    options = ["--port", str(port), "--no-access-log", "--http", "httptools", "--loop", "asyncio"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", application, *options], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "running on" in line:
            return process
    raise AssertionError(f"{name} did not start")


async def measure_servers(rounds: int) -> list[Figure]:
    """Both kinds of request, of the whole application and of its controllers alone."""
    figures: list[Figure] = []
    ports = {name: free_port() for name in NAMES}
    servers: dict[str, int] = {}
    with ExitStack() as running:
        for name, port in ports.items():
            process = serve(name, port)
            servers[name] = process.pid
            running.callback(process.wait)
            running.callback(process.terminate)
        for label, request in (("GET", GET), ("POST, validated", POST)):
            measured: dict[str, list[float]] = {name: [] for name in NAMES}
            for _ in range(rounds + 1):
                for name, port in ports.items():
                    measured[name].append(await requests_per_second(servers[name], port, request))
            figures += compared(label, measured)
    return figures


def compared(label: str, measured: dict[str, list[float]]) -> list[Figure]:
    """Ours, whole and the controllers alone, beside both peers."""
    goals = {
        ("cqrs_nest", "starlette"): at_least(0.9),
        ("controllers", "starlette"): at_least(0.9),
        ("controllers", "fastapi"): at_least(1.5),
        ("cqrs_nest", "fastapi"): at_least(1.5),
    }
    return [
        beside(
            f"{label} on uvicorn, {name}",
            "/s of CPU",
            zip(measured[name], measured[peer], strict=True),
            peer,
            goals.get((name, peer)),
        )
        for name in ("cqrs_nest", "controllers")
        for peer in ("starlette", "fastapi")
    ]


def measure(rounds: int = 15) -> list[Figure]:
    """Requests that are answered in a second of CPU."""
    return asyncio.run(measure_servers(rounds))
