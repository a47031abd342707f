"""A console whose code runs on an event loop, so that it can await."""

from __future__ import annotations

import ast
import asyncio
import code
import importlib
import inspect
import signal
import sys
import traceback
from contextlib import suppress
from types import CodeType, FunctionType, TracebackType
from typing import Any

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


async def evaluate(source: str, names: dict[str, Any]) -> Any:
    """Run code that may await; what its last line gives, if that is an expression. Raises what it raises.

    >>> asyncio.run(evaluate("await asyncio.sleep(0, 6) * 7", {"asyncio": asyncio}))
    42
    """
    tree = ast.parse(source, "<command>")
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    await _run(compile(tree, "<command>", "exec", _AWAIT), names)
    if not isinstance(last, ast.Expr):
        return None
    return await _run(compile(ast.Expression(last.value), "<command>", "eval", _AWAIT), names)


async def _run(compiled: CodeType, names: dict[str, Any]) -> Any:
    result = FunctionType(compiled, names)()
    return await result if compiled.co_flags & inspect.CO_COROUTINE else result


class AsyncConsole(code.InteractiveConsole):
    """Reads in a thread of its own, as reading blocks, and runs what it has read on a loop."""

    def __init__(self, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= _AWAIT
        self._names = names
        self._loop = loop
        self._running: asyncio.Task[Any] | None = None
        self._has_failed = False

    async def talk(self, banner: str) -> bool:
        """Read and run until the input ends; whether something failed. Ctrl-C cancels what is awaited."""
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)
        try:
            await asyncio.to_thread(self._interact, banner)
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)
        return self._has_failed

    def _interact(self, banner: str) -> None:
        if sys.stdin.isatty():
            importlib.import_module("readline")  # gives input() a history
        with suppress(SystemExit):  # exit() was typed
            self.interact(banner, exitmsg="")

    def raw_input(self, prompt: str = "") -> str:
        """The next line; a pipe gets no prompt."""
        return super().raw_input(prompt if sys.stdin.isatty() else "")

    def runcode(self, code: CodeType) -> None:
        """Run code on the loop. An error is shown with its stack, and the console goes on."""
        error = asyncio.run_coroutine_threadsafe(self._error_of(code), self._loop).result()
        if isinstance(error, SystemExit):
            raise error
        if error is not None:
            self._has_failed = True
            self.write("".join(traceback.format_exception(type(error), error, _from_console(error))))

    async def _error_of(self, code: CodeType) -> BaseException | None:
        """Run code; what it raised, as nothing that is typed may end the loop."""
        self._running = asyncio.current_task()
        try:
            await _run(code, self._names)
        except BaseException as error:  # noqa: BLE001 (shown to whom has typed it)
            return error
        finally:
            self._running = None
        return None

    def _interrupt(self) -> None:
        if self._running is not None:
            self._running.cancel("interrupted")


def _from_console(error: BaseException) -> TracebackType | None:
    """The part of an error's stack that begins with what was typed."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != "<console>":
        frame = frame.tb_next
    return frame
