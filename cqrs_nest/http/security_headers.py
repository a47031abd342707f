"""What every answer tells browsers to leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.types import Scope

from cqrs_nest.http.headers import RawHeaders, encoded_header

SECURITY_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "x-content-type-options": "nosniff",
        "content-security-policy": "frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
    }
)
"""The headers of `HttpOptions.security_headers` unless others are given: `{**SECURITY_HEADERS, ...}`."""

_OVER_TLS_ONLY: Final = b"strict-transport-security"


class SecurityHeaders:
    """Compiled headers. What an answer says itself stays; browsers are held to TLS only by answers over TLS.

    >>> headers = SecurityHeaders({"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"})
    >>> headers.missing([(b"referrer-policy", b"origin")], {"scheme": "http"})
    [(b'x-content-type-options', b'nosniff')]
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        over_tls = [encoded_header(name, value) for name, value in headers.items()]
        self._over_tls: RawHeaders = over_tls
        self._names = {name for name, _ in over_tls}
        self._plain: RawHeaders = [header for header in over_tls if header[0] != _OVER_TLS_ONLY]

    def missing(self, headers: RawHeaders, scope: Scope) -> RawHeaders:
        """The headers to add to those of an answer, whose names are in lower case."""
        added = self._over_tls if scope.get("scheme") == "https" else self._plain
        for name, _ in headers:
            if name in self._names:
                said = {name for name, _ in headers}
                return [header for header in added if header[0] not in said]
        return added
