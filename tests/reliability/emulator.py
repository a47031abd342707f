"""Emulated AWS as a process of its own: prints where it listens, and ends with its standard input."""

from __future__ import annotations

import asyncio
import sys

from cqrs_nest.local.functions import LocalFunctions
from cqrs_nest.local.moto_server import MotoServer


async def main() -> None:
    """Serve until there is no more to read."""
    server = MotoServer(lambda service: None, LocalFunctions())
    print(server.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
