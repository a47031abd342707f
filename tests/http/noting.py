"""Guards, interceptors, pipes, a filter and a middleware that note when it is their turn."""

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.common import ArgumentMetadata, ArgumentsHost, CallHandler, Catch, ExecutionContext

log: list[str] = []
"""Whose turn it was; the fixture `empty_log` begins it anew for each test."""


class NoteGuard:
    def __init__(self, name: str, answer: Any = True) -> None:
        self.name, self.answer = name, answer

    def can_activate(self, context: ExecutionContext) -> Any:
        log.append(f"guard:{self.name}")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class NoteInterceptor:
    def __init__(self, name: str) -> None:
        self.name = name

    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        log.append(f"before:{self.name}")
        result = await next.handle()
        log.append(f"after:{self.name}")
        return result


class NotePipe:
    def __init__(self, name: str) -> None:
        self.name = name

    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        log.append(f"pipe:{self.name}({metadata.source.value}:{metadata.name})")
        return value


@Catch()
class NoteFilter:
    def __init__(self, name: str) -> None:
        self.name = name

    def catch(self, exception: Exception, host: ArgumentsHost) -> Response:
        log.append(f"filter:{self.name}")
        return JSONResponse({"by": self.name, "message": str(exception)}, 499)


def note_middleware(app: ASGIApp) -> ASGIApp:
    """Fails at the path `/fails`."""

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        log.append("middleware")
        if scope["path"] == "/fails":
            raise RuntimeError("middleware")
        await app(scope, receive, send)

    return watch
