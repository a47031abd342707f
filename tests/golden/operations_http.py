"""The recorded requests, through the whole application: middleware, guards, routes and error bodies."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
from joserfc import jwt

from cqrs_nest.app.factory import assemble
from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import (
    development_audience,
    development_issuer,
    load_development_key,
)
from tests.golden.http_steps import HEADERS, TOKEN_SECONDS, claims_of
from tests.golden.operations import Call, operation


@operation("http")
async def request(call: Call) -> Any:
    """The answer of a request whose token is signed anew: unsigned ones are refused here."""
    arguments = call.step.recorded["args"]
    environment = call.container.get(Environment)
    headers = {
        "content-type": "application/json",
        **HEADERS,
        **_sent(call),
        **(arguments.get("headers") or {}),
    }
    claims = claims_of(call.step)
    if claims is not None:
        headers["authorization"] = f"Bearer {_signed(claims, environment)}"
    transport = httpx.ASGITransport(assemble(call.container), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        content = _content(arguments.get("body"))
        answer = await client.request(
            arguments["method"], arguments["path"], headers=headers, content=content
        )
    return {
        "status": answer.status_code,
        "contentType": answer.headers.get("content-type"),
        "body": answer.json() if answer.content else "",
    }


def _sent(call: Call) -> dict[str, str]:
    """All headers of the request, where the answer shows them."""
    body = call.step.recorded["result"]["body"]
    event = (body.get("invokeContext") or {}).get("event", {}) if isinstance(body, dict) else {}
    return dict(event.get("headers", {}))


def _content(body: Any) -> bytes | None:
    """A body as it went over the wire: text as it is, anything else as JSON."""
    if body is None or body == {"$undefined": True}:
        return None
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _signed(claims: dict[str, Any], environment: Environment) -> str:
    """A token of these claims that the application believes. It is valid now, whatever the claims say."""
    key, now = load_development_key(environment), int(time.time())
    valid = {
        "iss": development_issuer(environment),
        "aud": development_audience(environment),
        "iat": now,
        "exp": now + TOKEN_SECONDS,
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid}, {**claims, **valid}, key, ["ES256"])
