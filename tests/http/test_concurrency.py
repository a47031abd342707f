"""Many requests at once: every answer belongs to its request."""

import asyncio
import random
from collections.abc import Callable
from typing import Annotated, Any

from cqrs_nest.common import (
    REQUEST,
    Body,
    CallHandler,
    Controller,
    ExecutionContext,
    Get,
    Headers,
    Inject,
    Injectable,
    Param,
    Post,
    Query,
    Scope,
    UseGuards,
    UseInterceptors,
)
from cqrs_nest.core import current_request_scope

ROUTES, REQUESTS = 20, 1000


async def others_first() -> None:
    """Give way a few times, so that the requests overtake each other."""
    for _ in range(random.randrange(5)):
        await asyncio.sleep(0)


@Injectable(scope=Scope.REQUEST)
class Caller:
    def __init__(self, request: Annotated[Any, Inject(REQUEST)]) -> None:
        self.name = request.headers["x-caller"]


class CallerGuard:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def can_activate(self, context: ExecutionContext) -> bool:
        await others_first()
        request = context.switch_to_http().get_request()
        request.state.guarded = request.headers["x-caller"]
        return self.caller.name == request.headers["x-caller"]


class Envelope:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        http = context.switch_to_http()
        caller = http.get_request().headers["x-caller"]
        await others_first()
        result = await next.handle()
        await others_first()
        http.get_response().headers["x-answers"] = caller
        return {
            **result,
            "guarded": http.get_request().state.guarded,
            "handler": f"{context.get_class().__name__}.{context.get_handler().__name__}",
        }


def controller(number: int) -> type:
    @Controller(f"c{number}")
    @UseGuards(CallerGuard)
    @UseInterceptors(Envelope)
    class Numbered:
        def __init__(self, caller: Caller) -> None:
            self.caller = caller

        @Get(":id")
        async def find(
            self,
            name: Annotated[str, Param("id")],
            q: Annotated[int, Query("q")],
            caller: Annotated[str, Headers("x-caller")],
        ) -> dict[str, Any]:
            await others_first()
            scope = current_request_scope.get()
            assert scope is not None
            in_scope = scope.request.headers["x-caller"]
            return {"route": number, "id": name, "q": q, "callers": [caller, self.caller.name, in_scope]}

        @Post(":id")
        async def create(
            self, name: Annotated[str, Param("id")], body: Annotated[dict[str, Any], Body()]
        ) -> dict[str, Any]:
            await others_first()
            return {"route": number, "id": name, "q": body["q"], "callers": [self.caller.name] * 3}

    Numbered.__name__ = f"C{number}"
    return Numbered


async def test_every_answer_belongs_to_its_request(serve: Callable[..., Any]) -> None:
    client = await serve(*map(controller, range(ROUTES // 2)), providers=[Caller])

    async def ask(number: int) -> None:
        route, caller = number % (ROUTES // 2), f"caller-{number}"
        is_get = number % ROUTES < ROUTES // 2
        path, headers = f"/c{route}/id-{number}", {"x-caller": caller}
        request = (
            client.get(f"{path}?q={number}", headers=headers)
            if is_get
            else client.post(path, json={"q": number}, headers=headers)
        )
        response = await request
        assert response.status_code == (200 if is_get else 201)
        assert response.headers.get_list("x-answers") == [caller]
        assert response.json() == {
            "route": route,
            "id": f"id-{number}",
            "q": number,
            "callers": [caller] * 3,
            "guarded": caller,
            "handler": f"C{route}.{'find' if is_get else 'create'}",
        }

    await asyncio.gather(*map(ask, range(REQUESTS)))
