"""Emulated AWS as a process of its own: prints where it listens, and ends with its standard input."""

from __future__ import annotations

import sys

from cqrs_nest.local.moto_server import MotoServer

if __name__ == "__main__":
    server = MotoServer(lambda service: None)
    print(server.url, flush=True)
    sys.stdin.read()
    server.close()
