"""Calling a handler: its arguments are read, interceptors go round it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from cqrs_nest.http.arguments import Argument
from cqrs_nest.http.body import BodyReader
from cqrs_nest.http.call import Call
from cqrs_nest.http.enhancers import AsyncMethod

Run: TypeAlias = Callable[[Call], Awaitable[Any]]


def compile_invocation(handler: AsyncMethod, arguments: Sequence[Argument], body: BodyReader | None) -> Run:
    """Reads the arguments and calls the handler; `body` is None where no argument needs it."""
    if not arguments:
        return lambda call: handler()
    if body is None and not any(argument.is_async for argument in arguments):
        readers = [(argument.name, argument.read) for argument in arguments]
        return lambda call: handler(**{name: read(call) for name, read in readers})

    async def run(call: Call) -> Any:
        if body is not None and call.body is None:
            call.body = await body.read(call.request)
        values: dict[str, Any] = {}
        for name, read, is_async in arguments:
            value = read(call)
            values[name] = await value if is_async else value
        return await handler(**values)

    return run


def intercepted(run: Run, interceptors: Sequence[AsyncMethod]) -> Run:
    """`run` within interceptors, the first of them outermost."""
    for intercept in reversed(interceptors):
        run = _wrap(run, intercept)
    return run


def _wrap(run: Run, intercept: AsyncMethod) -> Run:
    return lambda call: intercept(call, _Next(run, call))


class _Next:
    """The `CallHandler` of an interceptor."""

    __slots__ = ("_call", "_run")

    def __init__(self, run: Run, call: Call) -> None:
        self._run = run
        self._call = call

    def handle(self) -> Awaitable[Any]:
        return self._run(self._call)
