"""Connections to one address by aiohttp, opened by botocore's settings, failing with botocore's errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from ssl import SSLContext, SSLError
from typing import Any
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from botocore import exceptions
from botocore.httpsession import (
    ProxyConfiguration,
    create_urllib3_context,
    get_cert_path,
    mask_proxy_url,
)
from botocore.utils import get_environ_proxies

from cqrs_nest.aws.dynamodb.botocore_rules import Answer
from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.session import CONCURRENT_CALLS


class AiohttpConnections:
    """At most 32 of them at a time in each event loop, kept open between requests.

    Certificates are checked against the bundle that botocore would check against; a proxy is what
    HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. Raises AwsConfigurationError for a bundle that cannot be read.
    """

    def __init__(
        self, url: str, ca_bundle: str | None, *, connect_seconds: float, read_seconds: float
    ) -> None:
        self._url = url
        self._proxy: str | None = ProxyConfiguration(get_environ_proxies(url)).proxy_url_for(url)
        is_encrypted = "https" in (urlsplit(url).scheme, urlsplit(self._proxy or "").scheme)
        self._trust: SSLContext | bool = _trust(ca_bundle) if is_encrypted else True
        self._timeout = ClientTimeout(total=None, sock_connect=connect_seconds, sock_read=read_seconds)
        self._of_loops: dict[asyncio.AbstractEventLoop, ClientSession] = {}

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What came of a request. A connection whose answer was not read to its end is not used again."""
        http = self._of_loops.get(asyncio.get_running_loop()) or await self._open()
        try:
            async with http.post(
                self._url, data=body, headers=headers, proxy=self._proxy, allow_redirects=False
            ) as response:
                content = await response.read()
        except (ClientError, TimeoutError, OSError) as error:
            return Answer(error=self._named(error))
        answer_headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, answer_headers, content)

    async def close(self) -> None:
        """Close them all, also those of other loops."""
        of_loops, self._of_loops = self._of_loops, {}
        for loop, http in of_loops.items():
            if loop.is_running() and loop is not asyncio.get_running_loop():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(http.close(), loop))
            else:
                await http.close()

    async def _open(self) -> ClientSession:
        """aiohttp's connections belong to the loop that they were opened in."""
        http = self._of_loops[asyncio.get_running_loop()] = ClientSession(
            connector=TCPConnector(limit=CONCURRENT_CALLS, ssl=self._trust),
            timeout=self._timeout,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
        )
        for loop in [loop for loop in self._of_loops if loop.is_closed()]:
            await self._of_loops.pop(loop).close()
        return http

    def _named(self, error: Exception) -> Exception:
        """The exception that botocore has for what happened to a connection.

        It has aiohttp's text alone: its errors carry the headers of the request and the proxy's password.
        """
        given: dict[str, Any] = {"endpoint_url": self._url, "error": _text(error)}
        match error:
            case ClientHttpProxyError() | ClientProxyConnectionError():
                return self._proxy_error(given["error"])
            case ClientConnectorDNSError() if self._proxy is not None:  # the proxy looks up all other hosts
                return self._proxy_error(given["error"])
            case ConnectionTimeoutError():
                return exceptions.ConnectTimeoutError(**given)
            case TimeoutError():
                return exceptions.ReadTimeoutError(**given)
            case ClientSSLError() | SSLError():
                return exceptions.SSLError(**given)
            case ClientConnectorError():
                return exceptions.EndpointConnectionError(**given)
            case _:
                return exceptions.ConnectionClosedError(**given)

    def _proxy_error(self, text: str) -> Exception:
        return exceptions.ProxyConnectionError(proxy_url=mask_proxy_url(self._proxy or ""), error=text)


def _text(error: Exception) -> str:
    if isinstance(error, ClientResponseError):  # whose own text has the address, with the proxy's password
        return f"{error.status} {error.message}"
    return str(error) or type(error).__name__


def _trust(ca_bundle: str | None) -> SSLContext:
    """botocore's own settings of TLS; the host's name is checked by OpenSSL in the place of urllib3."""
    context: SSLContext = create_urllib3_context()
    context.check_hostname = True
    path = ca_bundle or get_cert_path(True)
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise AwsConfigurationError(
            f"The CA bundle {path!r} cannot be read ({error}): correct AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or "
            "the profile's ca_bundle, a file of certificates in PEM"
        ) from error
    return context
