"""The embedded emulator as a process: prints its URL and serves until its standard input ends."""

from __future__ import annotations

import sys

from cqrs_nest.local.moto_server import MotoServer

if __name__ == "__main__":
    server = MotoServer(lambda written: None)
    print(server.url, flush=True)
    sys.stdin.read()
    server.close()
