"""The port of the application, taken before anything heavy is started."""

from __future__ import annotations

import errno
import socket


class PortTakenError(Exception):
    """Another program listens on the port already."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} of {host} is taken: stop the program that holds it, "
            f"or take another one with APP_PORT={port + 1 if port < 65535 else 0}."
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `port`; 0 takes a free one.

    Raises PortTakenError, and OSError for a port that this user may not take.
    """
    # With the protocol named, asyncio switches Nagle's algorithm off, which costs 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Listening at once: until then a second start could bind the same port without an error.
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port) from error
        raise
    return listener
