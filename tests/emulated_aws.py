"""Emulated AWS for a test: moto in this process, or with `--emulator ministack` a process beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from tests.ministack import Ministack

second: Ministack | None = None
"""The emulator to use in moto's place."""


@contextmanager
def emulated_aws() -> Iterator[None]:
    """Run a block on an account that is empty at its beginning."""
    with _moto() if second is None else _ministack(second):
        yield


@contextmanager
def listening_aws() -> Iterator[str]:
    """The same by HTTP, for clients that are not botocore's; gives its URL."""
    if second is not None:
        with _ministack(second):
            yield second.url
        return
    from cqrs_nest.local.moto_server import MotoServer

    server = MotoServer(lambda written: None)
    keys = {"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"}
    try:
        with mock.patch.dict("os.environ", keys):
            yield server.url
    finally:
        server.close()


@contextmanager
def _moto() -> Iterator[None]:
    """One request is done after the other.

    moto does requests in the threads they come from, without locks: two conditional writes can both pass,
    and a transaction that is undone takes back what others wrote. AWS does neither.
    """
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def one_at_a_time(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return answer(*args, **kwargs)

    with mock_aws(), mock.patch.object(BotocoreStubber, "__call__", one_at_a_time):
        yield


@contextmanager
def _ministack(emulator: Ministack) -> Iterator[None]:
    variables = {
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_ENDPOINT_URL": emulator.url,
    }
    emulator.reset()
    with mock.patch.dict("os.environ", variables):
        yield
