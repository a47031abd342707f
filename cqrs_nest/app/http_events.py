"""The forms in which API Gateway, function URLs and load balancers send a request to Lambda."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from http.client import responses as STATUS_PHRASES
from itertools import product
from typing import Any
from urllib.parse import quote, unquote, urlencode

Headers = Sequence[tuple[str, str]]

_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?"
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


class HttpEvent:
    """What the forms have in common: a method, a path, headers, a body, and how the answer is written."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.event["httpMethod"])

    @property
    def client_ip(self) -> str | None:
        """The address of the caller."""
        address: str | None = self.event["requestContext"].get("identity", {}).get("sourceIp")
        return address

    @cached_property
    def raw_path(self) -> bytes:
        """The path with its escapes: a `%2F` in it is not a separator.

        What a gateway has decoded already is escaped again where a URL needs it.
        """
        return quote(_LONE_PERCENT.sub("%25", self._event_path()), safe=_PATH_CHARACTERS).encode("ascii")

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(self.raw_path.decode("ascii"))

    @property
    def query_string(self) -> bytes:
        """The query as it stands in the URL."""
        pairs = _pairs(self.event, "multiValueQueryStringParameters", "queryStringParameters")
        return urlencode(list(pairs)).encode("ascii")

    @cached_property
    def headers(self) -> Headers:
        """Names in lower case; a header given several times stands here several times."""
        pairs = _pairs(self.event, "multiValueHeaders", "headers")
        return [(name.lower(), value) for name, value in pairs]

    @property
    def body(self) -> bytes:
        """The bytes of the body."""
        body = self.event.get("body") or ""
        return base64.b64decode(body) if self.event.get("isBase64Encoded") else str(body).encode()

    def answer(self, status: int, headers: Headers, body: bytes) -> dict[str, Any]:
        """The answer in the form that the sender reads: text as it is, any other body as base64.

        That to HEAD has the headers of GET, and no body.
        """
        body = b"" if self.method == "HEAD" else body
        return {"statusCode": status, **self._answer_headers(headers), **_answer_body(headers, body)}

    def _event_path(self) -> str:
        return str(self.event["path"])

    def _answer_headers(self, headers: Headers) -> dict[str, Any]:
        return {"multiValueHeaders": _grouped(headers)}


class RestApiEvent(HttpEvent):
    """API Gateway REST API, payload version 1."""


class HttpApiEvent(HttpEvent):
    """API Gateway HTTP API with payload version 2, and Lambda function URLs."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.event["requestContext"]["http"]["method"])

    @property
    def client_ip(self) -> str | None:
        """The address of the caller."""
        address: str | None = self.event["requestContext"]["http"].get("sourceIp")
        return address

    @property
    def query_string(self) -> bytes:
        """The query as it stands in the URL."""
        return quote(self.event.get("rawQueryString", ""), safe=_QUERY_CHARACTERS).encode("ascii")

    @cached_property
    def headers(self) -> Headers:
        """Names in lower case; cookies, which come apart, as one header."""
        values_by_name: Mapping[str, Any] = self.event.get("headers") or {}
        headers = [(name.lower(), str(value)) for name, value in values_by_name.items()]
        cookies = self.event.get("cookies")
        return [*headers, ("cookie", "; ".join(cookies))] if cookies else headers

    def _event_path(self) -> str:
        path, context = str(self.event["rawPath"]), self.event["requestContext"]
        stage = f"/{context.get('stage', '$default')}"
        own_domain = ".execute-api." not in context.get("domainName", "")
        if own_domain or not (path == stage or path.startswith(f"{stage}/")):
            return path
        return path[len(stage) :] or "/"

    def _answer_headers(self, headers: Headers) -> dict[str, Any]:
        grouped = _grouped(headers)
        cookies = grouped.pop("set-cookie", [])
        joined = {name: ",".join(values) for name, values in grouped.items()}
        return {"headers": joined, "cookies": cookies}


class LoadBalancerEvent(HttpEvent):
    """An application load balancer with a Lambda target."""

    @property
    def client_ip(self) -> str | None:
        """The address of the caller: the last one that the load balancer added."""
        forwarded = dict(self.headers).get("x-forwarded-for", "")
        return forwarded.rpartition(",")[2].strip() or None

    @property
    def query_string(self) -> bytes:
        """The query as it stands in the URL: a load balancer does not decode it."""
        pairs = _pairs(self.event, "multiValueQueryStringParameters", "queryStringParameters")
        query = "&".join(f"{name}={value}" for name, value in pairs)
        return quote(query, safe=_QUERY_CHARACTERS).encode("ascii")

    def answer(self, status: int, headers: Headers, body: bytes) -> dict[str, Any]:
        """The answer, with the status line that a load balancer wants."""
        description = f"{status} {STATUS_PHRASES.get(status, '')}".rstrip()
        return {**super().answer(status, headers, body), "statusDescription": description}

    def _answer_headers(self, headers: Headers) -> dict[str, Any]:
        if "multiValueHeaders" in self.event:
            return super()._answer_headers(headers)
        return {"headers": dict(_differently_cased(_grouped(headers)))}


def read_http_event(event: Mapping[str, Any]) -> HttpEvent | None:
    """The event as an HTTP request; None if it is something else.

    >>> type(read_http_event({"requestContext": {"elb": {}}, "httpMethod": "GET"})).__name__
    'LoadBalancerEvent'
    """
    context: Mapping[str, Any] = event.get("requestContext") or {}
    if "elb" in context:
        return LoadBalancerEvent(event)
    if "http" in context:
        return HttpApiEvent(event)
    return RestApiEvent(event) if "httpMethod" in event else None


def _pairs(event: Mapping[str, Any], several: str, single: str) -> Iterator[tuple[str, str]]:
    if event.get(several):
        for name, values in event[several].items():
            yield from ((name, str(value)) for value in values)
    else:
        values_by_name: Mapping[str, Any] = event.get(single) or {}
        yield from ((name, str(value)) for name, value in values_by_name.items())


def _grouped(headers: Headers) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped


def _differently_cased(headers: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """One name for each value: without multi-value headers only the case can tell cookies apart."""
    for name, values in headers.items():
        spellings = product(*((letter, letter.upper()) if letter.isalpha() else (letter,) for letter in name))
        yield from (("".join(spelling), value) for spelling, value in zip(spellings, values, strict=False))


def _answer_body(headers: Headers, body: bytes) -> dict[str, Any]:
    compressed = bool(body) and any(name == "content-encoding" for name, _ in headers)
    try:
        text = None if compressed else body.decode()
    except UnicodeDecodeError:
        text = None
    if text is None:
        return {"body": base64.b64encode(body).decode("ascii"), "isBase64Encoded": True}
    return {"body": text, "isBase64Encoded": False}
