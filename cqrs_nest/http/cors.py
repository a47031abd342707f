"""Cross-origin requests: the headers that let pages of other origins call, and the browser's preflight."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import Scope

from cqrs_nest.http.headers import RawHeaders
from cqrs_nest.http.options import CorsOptions
from cqrs_nest.http.responses import Reply

_HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~, -]*", re.ASCII)


class Cors:
    """Compiled `CorsOptions`."""

    def __init__(self, options: CorsOptions) -> None:
        self._options = options
        self._is_open = "*" in options.origins
        self._constant: RawHeaders = []
        if self._is_open:
            self._constant.append((b"access-control-allow-origin", b"*"))
        if options.credentials:
            self._constant.append((b"access-control-allow-credentials", b"true"))
        if options.exposed_headers:
            self._constant.append((b"access-control-expose-headers", _joined(options.exposed_headers)))

    def response_headers(self, scope: Scope) -> RawHeaders:
        """What every answer carries; nothing that the browser accepts if the origin is not allowed."""
        if self._is_open:
            return self._constant
        vary = (b"vary", b"Origin")
        origin = Headers(scope=scope).get("origin")
        if origin is None or origin not in self._options.origins:
            return [vary]
        return [(b"access-control-allow-origin", origin.encode("latin-1")), vary, *self._constant]

    def preflight(self, scope: Scope) -> Reply | None:
        """The answer to a browser that asks whether it may, None for any other request."""
        if scope["method"] != "OPTIONS":
            return None
        headers = Headers(scope=scope)
        if "access-control-request-method" not in headers:
            return None
        options = self._options
        sent: RawHeaders = [(b"access-control-allow-methods", _joined(options.methods))]
        asked = headers.get("access-control-request-headers")
        if options.headers is not None:
            sent.append((b"access-control-allow-headers", _joined(options.headers)))
        else:
            sent.append((b"vary", b"Access-Control-Request-Headers"))
            if asked is not None and _HEADER_NAMES.fullmatch(asked):
                sent.append((b"access-control-allow-headers", asked.encode("latin-1")))
        if options.max_age is not None:
            sent.append((b"access-control-max-age", b"%d" % options.max_age))
        return Reply(204, [*sent, (b"content-length", b"0")], b"")


def _joined(values: Iterable[str]) -> bytes:
    return ",".join(values).encode("latin-1")
