"""`made_to_stay`: the garbage collector kept away from what lives as long as the process."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

from cqrs_nest.common.lambda_runtime import in_lambda

_lock = Lock()
_makers = 0
"""How many are at work, in several threads or one within another."""
_was_enabled = False


@contextmanager
def made_to_stay() -> Generator[None, None, None]:
    """Make something that stays for the life of the process: an application, a client of AWS.

    In AWS Lambda the garbage collector neither runs meanwhile nor ever looks at what is there then: it would
    find nothing, and looking takes a tenth to a fifth of a cold start. Elsewhere nothing changes, as a
    process may make and drop several applications.
    """
    if not in_lambda():
        yield
        return
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _makers, _was_enabled
    with _lock:
        if _makers == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _makers += 1


def _end() -> None:
    global _makers
    with _lock:
        _makers -= 1
        gc.freeze()
        if _makers == 0 and _was_enabled:
            gc.enable()
