"""The ASGI lifespan protocol: start with the server, end with it."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Send

from cqrs_nest.config import InvalidEnvironmentError
from cqrs_nest.core.errors import CqrsNestError


async def serve_lifespan(
    receive: Receive,
    send: Send,
    *,
    startup: Callable[[], Awaitable[object]] | None = None,
    shutdown: Callable[[], Awaitable[None]],
) -> None:
    """Answer the server's two messages. What fails is reported to the server, which then ends."""
    await receive()
    if startup is not None:
        try:
            await startup()
        except Exception as error:  # noqa: BLE001 the server prints the message and ends the process
            await send({"type": "lifespan.startup.failed", "message": start_up_message(error)})
            return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    try:
        await shutdown()
    except Exception:  # noqa: BLE001 the same for the end
        await send({"type": "lifespan.shutdown.failed", "message": traceback.format_exc()})
        return
    await send({"type": "lifespan.shutdown.complete"})


def start_up_message(error: Exception) -> str:
    """An error of the application's own set-up as its readable block, anything else with its stack."""
    if isinstance(error, CqrsNestError | InvalidEnvironmentError):
        return f"The application cannot start.\n\n{error}"
    return "".join(traceback.format_exception(error))
