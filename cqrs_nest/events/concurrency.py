"""Several things at once, each to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from cqrs_nest.core.concurrency import failure_of


async def gather_all(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """All results in order, after every one has ended; raises what failed, several as an ExceptionGroup.

    One that ends as cancelled though nobody has cancelled all of them has failed: HandlerCancelledError.
    """
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    errors = [error for error in map(failure_of, results) if error is not None]
    if len(errors) > 1:
        raise BaseExceptionGroup(f"{len(errors)} of {len(results)} failed", errors)
    if errors:
        raise errors[0]
    return results


def causes_of(error: BaseException) -> tuple[BaseException, ...]:
    """The errors of a group that `gather_all` raised, or the one error it is.

    >>> causes_of(ExceptionGroup("2 of 2 failed", [ValueError("a"), ValueError("b")]))
    (ValueError('a'), ValueError('b'))
    """
    causes: tuple[BaseException, ...] | None = getattr(error, "exceptions", None)
    return (error,) if causes is None else causes
