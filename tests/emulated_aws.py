"""Emulated AWS in the process, in which one request is done after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber


@contextmanager
def emulated_aws() -> Iterator[None]:
    """Run a block on emulated AWS.

    moto does requests in the threads they come from, without locks: two conditional writes can both pass,
    and a transaction that is undone takes back what others wrote. AWS does neither.
    """
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def one_at_a_time(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return answer(*args, **kwargs)

    with mock_aws(), mock.patch.object(BotocoreStubber, "__call__", one_at_a_time):
        yield
