"""Server-sent events: the answer of a route with `@Sse`."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import Any, Final, TypeGuard

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cqrs_nest.common import HttpException, Logger, MessageEvent
from cqrs_nest.http.call import Call
from cqrs_nest.http.invocation import Run
from cqrs_nest.http.json import to_json, to_text

_logger = Logger("EventStream")

_END: Final[Any] = object()
_HEADERS: Final = {
    "content-type": "text/event-stream",
    "cache-control": "private, no-cache, no-store, must-revalidate, max-age=0, no-transform",
    "connection": "keep-alive",
    "x-accel-buffering": "no",
}


def streamed(run: Run) -> Run:
    """`run` with its events as an answer.

    The first event is awaited, so that what goes wrong before it gets a normal error answer.
    """

    async def answer(call: Call) -> Response:
        result = await run(call)
        if isinstance(result, Response):
            return result
        if not _is_stream(result):
            raise TypeError(f"A route with @Sse gives its events with `yield`, not {type(result).__name__}")
        events = aiter(result)
        first = await anext(events, _END)
        return _EventStream(_lines(first, events), headers=_HEADERS)

    return answer


def _is_stream(value: object) -> TypeGuard[AsyncIterable[Any]]:
    return isinstance(value, AsyncIterable)


class _EventStream(StreamingResponse):
    """Ends as soon as the caller is gone, also while no event comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # To servers of later versions Starlette does not listen, but waits for the next event.
        await super().__call__({**scope, "asgi": {"spec_version": "2.3"}}, receive, send)


async def _lines(event: Any, events: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    number = 0
    yield b"\n"
    try:
        while event is not _END:
            message = event if isinstance(event, MessageEvent) else MessageEvent(event)
            if message.id is None:
                number += 1
            yield _format(message, number)
            event = await anext(events, _END)
    except Exception as error:  # noqa: BLE001 (the answer has begun: the client is told in it)
        _logger.error("A stream of events failed: %s", type(error).__name__, error=error)
        text = str(error) if isinstance(error, HttpException) else "Internal server error"
        yield _format(MessageEvent(text, type="error"), number + 1)
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


def _format(event: MessageEvent, number: int) -> bytes:
    return to_text("".join(f"{line}\n" for line in _fields(event, number))) + b"\n"


def _fields(event: MessageEvent, number: int) -> Iterator[str]:
    if event.type is not None:
        yield f"event: {_one_line(event.type)}"
    yield f"id: {number if event.id is None else _one_line(event.id)}"
    if event.retry is not None:
        yield f"retry: {event.retry}"
    text = event.data if isinstance(event.data, str) else to_json(event.data).decode()
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        yield f"data: {line}"


def _one_line(text: str) -> str:
    """A line break would begin another field."""
    return " ".join(text.split())
