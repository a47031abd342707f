"""The login of development: a page that offers users and tenants and signs tokens with the local key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.local.login_page import LOGIN_PATH, PAGE, PAGE_HEADERS, SCRIPT, SCRIPT_PATH

_LONGEST_BODY: Final = 10_000


@dataclass(frozen=True)
class LocalUser:
    """Somebody whom the login page offers. Without a tenant his roles hold in every one.

    >>> LocalUser("ann", "acme", roles=("admin",)).label
    'ann of acme (admin)'
    """

    user: str
    tenant: str | None = None
    roles: Sequence[str] = ()

    @property
    def label(self) -> str:
        """How the page names him."""
        roles = f" ({', '.join(self.roles)})" if self.roles else ""
        return f"{self.user} of {self.tenant or 'every tenant'}{roles}"


DEFAULT_USERS: Final = (
    LocalUser("developer", "acme"),
    LocalUser("admin", "acme", roles=("admin",)),
    LocalUser("stranger", "umbrella"),
    LocalUser("operator", None, roles=("system_admin",)),
)
"""Who is offered unless the program says others: of two tenants, and one who may cross them."""


class _Wish(BaseModel):
    user: str = Field(min_length=1, max_length=200)
    tenant: str = Field(default="", max_length=200)
    roles: list[str] = Field(default_factory=list[str], max_length=20)


class DevelopmentLogin:
    """Answers `/development/login` before the application does. `LocalRuntime` alone puts it there.

    `GET` shows the page, `POST {user, tenant, roles}` answers `{token}`. Pages of other origins, and of hosts
    that only point here (DNS rebinding), are refused: they would act as the developer.
    """

    def __init__(
        self, app: ASGIApp, environment: Environment, users: Sequence[LocalUser] = DEFAULT_USERS
    ) -> None:
        self._app = app
        self._environment = environment
        self._users = users or DEFAULT_USERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] + "/").startswith(f"{LOGIN_PATH}/"):
            await self._app(scope, receive, send)
            return
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if not _is_of_this_machine(request.headers):
            return _refused(403, "The login of development answers this machine's own pages only")
        match request.method, request.url.path:
            case "GET", path if path == LOGIN_PATH:
                return HTMLResponse(self._page(), headers=PAGE_HEADERS)
            case "GET", path if path == SCRIPT_PATH:
                return Response(SCRIPT, media_type="text/javascript")
            case "POST", path if path == LOGIN_PATH:
                return await self._sign(request)
            case method, path:
                return _refused(404, f"Cannot {method} {path}")

    async def _sign(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_BODY:
                return _refused(413, "request entity too large")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _refused(415, "Send application/json")
        try:
            wish = _Wish.model_validate_json(bytes(body))
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
            return _refused(400, problems)
        token = await asyncio.to_thread(
            sign_development_token,
            self._environment,
            user=wish.user,
            tenant=wish.tenant or None,
            roles=wish.roles,
        )
        return JSONResponse({"token": token}, headers={"cache-control": "no-store"})

    def _page(self) -> str:
        offered = "\n".join(
            f'<li><button data-user="{escape(json.dumps(_as_wish(user)))}">{escape(user.label)}</button></li>'
            for user in self._users
        )
        return PAGE.format(title=escape(self._environment.app_name), users=offered)


def _as_wish(user: LocalUser) -> dict[str, Any]:
    return {"user": user.user, "tenant": user.tenant or "", "roles": list(user.roles)}


def _is_of_this_machine(headers: Headers) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin")
    return _is_loopback(urlsplit(f"//{host}").hostname) and (
        origin is None or urlsplit(origin).netloc == host
    )


def _is_loopback(name: str | None) -> bool:
    try:
        return name == "localhost" or ip_address(name or "").is_loopback
    except ValueError:
        return False


def _refused(status: int, message: str | list[str]) -> Response:
    return JSONResponse({"statusCode": status, "message": message}, status)
