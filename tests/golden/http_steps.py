"""Recorded requests as calls of the services behind their routes: the rules for those hold for them too."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.golden.outcomes import with_dates
from tests.golden.recordings import Step

TOKEN_SECONDS = 60
"""How long a token is good that stands for a recorded one."""
HEADERS = {"x-request-id": "req-http", "x-source-ip": "192.0.2.1"}
"""What every recorded request had besides its own headers."""
_PUBLISH, _PARTIAL = "CommandService.publish", "CommandService.publishPartialUpdate"
SERVICES = {
    ("POST", "/api/testing"): f"{_PUBLISH}Async",
    ("POST", "/api/testing/full"): f"{_PUBLISH}Async",
    ("POST", "/api/testing/sync"): f"{_PUBLISH}Sync",
    ("POST", "/api/testing/sync-full"): f"{_PUBLISH}Sync",
    ("PUT", "/api/testing"): f"{_PARTIAL}Async",
    ("PUT", "/api/testing/sync"): f"{_PARTIAL}Sync",
    ("PUT", "/api/testing/sync-raw"): f"{_PARTIAL}Sync",
    ("POST", "/api/todo"): f"{_PUBLISH}Sync",
    ("POST", "/api/todo/auto"): f"{_PUBLISH}Sync",
    ("GET", "/api/todo/list"): "DataService.listItemsByPk",
}
_ITEM = re.compile(r"/api/todo/(?P<pk>[^/]+)/(?P<sk>[^/]+)")
_CONFLICT = "ConditionalCheckFailedException"


def token_of(step: Step) -> str:
    """The token of a recorded request; empty when it brought none."""
    headers = {name.lower(): value for name, value in (step.recorded["args"].get("headers") or {}).items()}
    scheme, _, token = str(headers.get("authorization", "")).partition(" ")
    return token if scheme.lower() == "bearer" else ""


def claims_of(step: Step) -> dict[str, Any] | None:
    """The claims of the token that a recorded request brought, signed or not; None without any."""
    parts = token_of(step).split(".")
    if len(parts) != 3:
        return None
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return claims


def service_step(step: Step) -> Step:
    """The call of a service that a request comes to; any other step as it is."""
    if step.operation != "http":
        return step
    args = step.recorded["args"]
    path = urlsplit(args["path"]).path.rstrip("/")
    service, given = SERVICES.get((args["method"], path)), _body(args.get("body"))
    if item := args["method"] == "GET" and service is None and _ITEM.fullmatch(path):
        service, given = (
            "DataService.getItem",
            {name: unquote(part) for name, part in item.groupdict().items()},
        )
    if service is None:
        return step
    claims = claims_of(step) or {}
    if path in ("/api/todo", "/api/todo/auto"):
        pk = f"TODO#{claims.get('custom:tenant')}"
        given = {**given, "pk": pk, "sk": given.get("code"), "id": f"{pk}#{given.get('code')}"}
    context = {"http": {"sourceIp": HEADERS["x-source-ip"]}, "authorizer": {"jwt": {"claims": claims}}}
    invoke = {"event": {"requestContext": context}, "context": {"awsRequestId": HEADERS["x-request-id"]}}
    arguments = {**(given if item else {"input": given}), "options": {"invokeContext": invoke}}
    result = from_http(step.recorded["result"])
    return Step({**step.recorded, "op": service, "args": arguments, "result": result})


def _body(body: Any) -> Mapping[str, Any]:
    if isinstance(body, str):
        body = json.loads(body)
    return body if isinstance(body, Mapping) and "$undefined" not in body else {}


def from_http(answer: Mapping[str, Any]) -> Any:
    """The result or the error that an answer stands for, as services give it."""
    status, body = answer["status"], answer["body"]
    if status < HTTPStatus.BAD_REQUEST:
        return None if body == "" else with_dates(body)
    message = body.get("message") if isinstance(body, Mapping) else None
    text = message if isinstance(message, str) else "; ".join(message or [])
    name = (
        _CONFLICT if text.startswith(_CONFLICT) else f"{HTTPStatus(status).phrase.replace(' ', '')}Exception"
    )
    return {"$error": {"name": name, "message": text, "http": {"status": status, "body": body}}}
