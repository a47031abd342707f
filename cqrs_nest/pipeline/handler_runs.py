"""Runs of custom handlers: all at once, each by its own policy, none that is through already."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from cqrs_nest.commands import CommandModel, RegisteredHandler
from cqrs_nest.commands.rows import Row
from cqrs_nest.common.logger import Logger
from cqrs_nest.core.concurrency import cancellation_as_failure
from cqrs_nest.events.concurrency import gather_all

NOTE_AFTER_SECONDS = 0.5
"""When some handlers are through and others are not by then, it is noted: a function may be cut off."""

_logger = Logger("Pipeline")


@dataclass(frozen=True, slots=True)
class HandlerRun:
    """A data sync handler that was given a command; `error` is what it raised in the end (None: nothing)."""

    handler: str
    pk: str
    sk: str
    error: Exception | None = None


handler_runs: ContextVar[list[HandlerRun] | None] = ContextVar("handler_runs", default=None)
"""Where runs are noted, for who wants to know."""


async def run_handlers(
    handlers: Sequence[RegisteredHandler], row: Row, done: set[str], note: Callable[[], Awaitable[None]]
) -> None:
    """Let those handlers take a command over that are not `done`; all have ended when it returns or raises.

    `done` gets the names of those that succeed, also when others fail; their errors are raised as
    `gather_all` does. `note` is called when `done` has grown while others still run, and when the caller is
    cancelled, as those that are cut off then are neither done nor failed.
    """
    caller = asyncio.current_task()
    runs = {
        handler.name: asyncio.create_task(
            run_handler(handler, row, caller), name=f"projection {handler.name}"
        )
        for handler in handlers
        if handler.name not in done
    }
    if not runs:
        return
    noted = set(done)
    try:
        finished, running = await asyncio.wait(runs.values(), timeout=NOTE_AFTER_SECONDS)
        if finished and running:
            done.update(_succeeded(runs))
            noted = set(done)
            await note()
        await gather_all(list(runs.values()))
    except asyncio.CancelledError:
        for run in runs.values():
            run.cancel()
        await asyncio.wait(runs.values())
        done.update(_succeeded(runs))
        if done != noted:
            await note()
        raise
    finally:
        done.update(_succeeded(runs))


async def run_handler(handler: RegisteredHandler, row: Row, caller: asyncio.Task[Any] | None = None) -> Any:
    """Let one handler take a command over, as often as its policy allows; its result.

    `caller` is the task that may cancel it, the current one unless given. A handler that ends as cancelled
    without that has failed.
    """
    try:
        result = await _attempts(handler, row, caller or asyncio.current_task())
    except Exception as error:
        _note(handler, row, error)
        raise
    _note(handler, row)
    return result


async def _attempts(handler: RegisteredHandler, row: Row, caller: asyncio.Task[Any] | None) -> Any:
    for pause in handler.retry.pauses():
        try:
            return await _attempt(handler, row, caller)
        except handler.retry.give_up_on:
            raise
        except Exception as error:  # noqa: BLE001 - the last attempt raises it
            where = f"{row['pk']} {row['sk']}"
            _logger.warn(
                "%s failed on %s and is tried again in %.2f s: %s", handler.name, where, pause, error
            )
        await asyncio.sleep(pause)
    return await _attempt(handler, row, caller)


async def _attempt(handler: RegisteredHandler, row: Row, caller: asyncio.Task[Any] | None) -> Any:
    with cancellation_as_failure(f"{handler.name} failed on {row['pk']} {row['sk']}", caller):
        return await handler.instance.up(CommandModel.from_row(row))


def _note(handler: RegisteredHandler, row: Row, error: Exception | None = None) -> None:
    runs = handler_runs.get()
    if runs is not None:
        runs.append(HandlerRun(handler.name, row["pk"], row["sk"], error))


def _succeeded(runs: Mapping[str, asyncio.Task[Any]]) -> set[str]:
    return {
        name for name, run in runs.items() if run.done() and not run.cancelled() and run.exception() is None
    }
