"""What botocore decides about a call, for a port that has a transport of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from botocore.parsers import create_parser
from botocore.utils import get_environ_proxies


@dataclass(slots=True)
class Answer:
    """What came of an attempt: an HTTP response with its parsed body, or the error of the connection."""

    status_code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""
    parsed: dict[str, Any] = field(default_factory=dict[str, Any])
    error: Exception | None = None


class BotocoreRules:
    """Signs, judges and names as the boto3 client does, with its settings and its event handlers."""

    def __init__(self, client: Any) -> None:
        meta = client.meta
        self.url: str = meta.endpoint_url
        parts = urlsplit(self.url)
        self._host, self._path = parts.netloc, parts.path or "/"
        self.proxy: str | None = get_environ_proxies(self.url).get(parts.scheme)
        self._model = meta.service_model
        self._events = meta.events
        self._region: str = meta.region_name
        self._exceptions = client.exceptions
        self._parser = create_parser(self._model.protocol)
        self._target: str = self._model.metadata["targetPrefix"]
        self._type = f"application/x-amz-json-{self._model.metadata['jsonVersion']}"
        self._agent: str = meta.config.user_agent or "cqrs_nest"

    def signed_headers(self, credentials: Any, operation: str, body: bytes) -> dict[str, str]:
        """The headers of a request, with its signature (SigV4). Raises NoCredentialsError.

        botocore's own way to the text that is signed takes half of a call's time, as it serves all requests
        there are; ours differ in three headers.
        """
        if credentials is None:
            raise NoCredentialsError
        timestamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {"content-type": self._type, "host": self._host, "x-amz-date": timestamp}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        signed["x-amz-target"] = f"{self._target}.{operation}"
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        text = f"POST\n{self._path}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        request, signer = AWSRequest("POST", self.url), SigV4Auth(credentials, "dynamodb", self._region)
        request.context["timestamp"] = timestamp
        signature = signer.signature(signer.string_to_sign(request, text), request)
        credential = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"
        signed["authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "accept-encoding": "identity", "user-agent": self._agent}

    def read_error(self, operation: str, answer: Answer) -> dict[str, Any]:
        """A refusal as botocore parses it, with the members that the service's model gives its kind."""
        response = {"headers": answer.headers, "status_code": answer.status_code, "body": answer.content}
        parsed: dict[str, Any] = self._parser.parse(response, self._operation(operation).output_shape)
        shape = self._model.shape_for_error_code(parsed.get("Error", {}).get("Code"))
        if shape is not None:
            parsed.update(self._parser.parse(response, shape))
        return parsed

    def retry_delay(
        self, operation: str, answer: Answer, attempts: int, context: dict[str, Any]
    ) -> float | None:
        """After how many seconds to try again; None is not at all. `context` is that of the whole call."""
        replies = self._events.emit_until_response(
            f"needs-retry.dynamodb.{operation}",
            response=None if answer.error else (answer, answer.parsed),
            endpoint=None,
            operation=self._operation(operation),
            attempts=attempts,
            caught_exception=answer.error,
            request_dict={"context": context},
        )
        delay: float | None = replies[1]
        return delay

    def result(
        self, operation: str, answer: Answer, attempts: int, context: dict[str, Any]
    ) -> dict[str, Any]:
        """The response of a call. Raises botocore's error for one that was refused or did not arrive."""
        if answer.error is not None:
            raise answer.error
        parsed = answer.parsed
        parsed.setdefault("ResponseMetadata", {})["RetryAttempts"] = attempts - 1
        self._events.emit(
            f"after-call.dynamodb.{operation}",
            http_response=answer,
            parsed=parsed,
            model=self._operation(operation),
            context=context,
        )
        if answer.status_code >= 300:
            code = parsed.get("Error", {}).get("Code")
            raise self._exceptions.from_code(code)(parsed, operation)
        return parsed

    def _operation(self, name: str) -> Any:
        return self._model.operation_model(name)
