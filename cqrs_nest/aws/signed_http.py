"""HTTP requests that are signed as AWS wants it, for services that boto3 has no client for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.session import CONCURRENT_CALLS, READ_SECONDS, AwsSession
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered."""

    status: int
    text: str

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class SignedHttp:
    """Sends requests with botocore's connections and signatures (SigV4)."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self._connections: dict[str, Any] = {}
        self._lock = threading.Lock()

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        service: str | None,
        region: str | None = None,
    ) -> HttpAnswer:
        """Post a body; `service` is the name to sign for, None sends the request as it is.

        The region is the process's unless one is given. Raises AwsConfigurationError without credentials or
        region, and botocore's HTTPClientError when the server cannot be reached.
        """
        return await self._session.run(lambda: self._post(url, body, headers, service, region))

    def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], service: str | None, region: str | None
    ) -> HttpAnswer:
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("POST", url, dict(headers), body)
        if service is not None:
            self._sign(request, service, region)
        response = self._connection(url).send(request.prepare())
        return HttpAnswer(response.status_code, response.content.decode(errors="replace"))

    def _sign(self, request: Any, service: str, region: str | None) -> None:
        from botocore.auth import SigV4Auth

        credentials, own_region = self._session.identity()
        region = region or own_region
        if credentials is None:
            raise AwsConfigurationError(f"There are no AWS credentials to sign requests of {service} with.")
        if region is None:
            raise AwsConfigurationError(
                f"The AWS region of {service} is not known: set AWS_REGION in the environment"
            )
        SigV4Auth(credentials, service, region).add_auth(request)

    def _connection(self, url: str) -> Any:
        """The pool of connections of a host."""
        from botocore.httpsession import URLLib3Session
        from botocore.utils import get_environ_proxies

        host = urlsplit(url).netloc
        with self._lock:
            if host not in self._connections:
                self._connections[host] = URLLib3Session(
                    proxies=get_environ_proxies(url),
                    timeout=READ_SECONDS,
                    max_pool_connections=CONCURRENT_CALLS,
                )
            return self._connections[host]

    def on_application_shutdown(self, signal: str | None = None) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
