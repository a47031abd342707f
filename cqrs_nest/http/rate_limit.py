"""How often one caller may ask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.common import TooManyRequestsException
from cqrs_nest.core.expiring_map import ExpiringMap
from cqrs_nest.http.json import to_json
from cqrs_nest.http.responses import Reply

_MOST_CALLERS: Final = 50_000
"""Callers that are remembered; beyond them the one who has not asked for longest is forgotten."""


def client_address(scope: Scope) -> str:
    """The caller's address. Of IPv6 it is the network: its owner has as many addresses as he likes.

    >>> client_address({"client": ("2001:db8:1:2:3:4:5:6", 1)}), client_address({"client": ("192.0.2.1", 1)})
    ('2001:db8:1:2::', '192.0.2.1')
    """
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    return str(IPv6Address(int(address) >> 64 << 64)) if isinstance(address, IPv6Address) else str(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """`requests` in `seconds` for each caller: all of them at once, or evenly spread.

    It counts in this process only: each worker and each Lambda environment has its own count.
    """

    requests: int
    seconds: float = 60.0
    key: Callable[[Scope], str] = client_address
    """Who the caller is."""

    def __post_init__(self) -> None:
        if self.requests < 1 or self.seconds <= 0:
            raise ValueError("RateLimit: requests must be 1 or more and seconds more than 0")


class RateLimiter:
    """Lets a caller pass while he keeps to the limit.

    One moment is kept for each caller: when all he has asked for would be done, if each request took its
    share of `seconds`. He waits when that is more than `seconds` ahead, and is forgotten when it is over.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = limit.key
        self._share = limit.seconds / limit.requests
        self._ahead = limit.seconds - self._share
        self._clock = clock
        self._done_at = ExpiringMap[str, float](_MOST_CALLERS)

    def refusal(self, scope: Scope) -> Reply | None:
        """The answer 429 for one request too many, None for a request that may pass, which then counts."""
        answer = self.refusal_if_over(scope)
        if answer is None:
            self.count(scope)
        return answer

    def refusal_if_over(self, scope: Scope) -> Reply | None:
        """The answer 429 for a caller who has used up his limit; the request does not count."""
        key, now = self._key(scope), self._clock()
        wait = (self._done_at.get(key, now) or now) - now - self._ahead
        # A part of a millionth of a share is what adding up has cost.
        return _too_many(wait) if wait > self._share * 1e-6 else None

    def count(self, scope: Scope) -> None:
        """Count a request."""
        key, now = self._key(scope), self._clock()
        done_at = (self._done_at.get(key, now) or now) + self._share
        self._done_at.put(key, done_at, until=done_at, now=now)


class RefusedTokenLimit:
    """Lets no address have more than so many tokens checked that are then refused: a signature costs time.

    Goes round the authentication. Good tokens do not count, as many users may share an address.
    """

    def __init__(self, app: ASGIApp, limit: RateLimit, was_refused: Callable[[Scope], bool]) -> None:
        self._app = app
        self._limiter = RateLimiter(replace(limit, key=client_address))
        self._was_refused = was_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429, or pass the request on."""
        if scope["type"] != "http" or all(name != b"authorization" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        refusal = self._limiter.refusal_if_over(scope)
        await (refusal or self._app)(scope, receive, send)
        if refusal is None and self._was_refused(scope):
            self._limiter.count(scope)


def _too_many(wait: float) -> Reply:
    body = to_json(TooManyRequestsException().body())
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % math.ceil(wait)),
    ]
    return Reply(429, headers, body)
