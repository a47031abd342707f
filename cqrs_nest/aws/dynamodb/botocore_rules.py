"""What botocore decides about a call, for a port that has a transport of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError, NoCredentialsError
from botocore.hooks import first_non_none_response
from botocore.parsers import create_parser


@dataclass(slots=True)
class Answer:
    """What came of an attempt: an HTTP response with its parsed body, or the error of the connection."""

    status_code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""
    parsed: dict[str, Any] = field(default_factory=dict[str, Any])
    error: Exception | None = None


class DamagedAnswerError(ConnectionClosedError):
    """An answer that DynamoDB did not send like this. It is tried again, like a closed connection."""

    fmt = 'The answer of the endpoint URL "{endpoint_url}" is damaged, or not one of DynamoDB: {error}'


class BotocoreRules:
    """Signs, judges and names as the boto3 client does, with its settings and its event handlers.

    Raises NoCredentialsError.
    """

    def __init__(self, client: Any) -> None:
        meta = client.meta
        self.url, self._region, self._service = _endpoint(client)
        parts = urlsplit(self.url)
        self._host, self._path = parts.netloc, parts.path
        self.limits_rate: bool = meta.config.retries["mode"] == "adaptive"
        self._model = meta.service_model
        self._events = meta.events
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
        request, signer = AWSRequest("POST", self.url), SigV4Auth(credentials, self._service, self._region)
        request.context["timestamp"] = timestamp
        signature = signer.signature(signer.string_to_sign(request, text), request)
        credential = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"
        signed["authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "accept-encoding": "identity", "user-agent": self._agent}

    def wait_for_turn(self, operation: str) -> None:
        """Block until botocore lets the next request go: in adaptive mode it measures what DynamoDB takes."""
        request = AWSRequest("POST", self.url).prepare()
        self._events.emit(f"before-send.dynamodb.{operation}", request=request)

    def read_success(self, answer: Answer, read: Callable[[bytes], dict[str, Any]]) -> None:
        """Fill in what an answer holds, or DamagedAnswerError where it is not to be trusted."""
        checksum = answer.headers.get("x-amz-crc32")
        try:
            if checksum is not None and checksum != str(crc32(answer.content)):
                raise ValueError("its checksum differs")
            answer.parsed = read(answer.content)
        except ValueError as error:
            answer.error = DamagedAnswerError(endpoint_url=self.url, error=error)
        else:
            answer.parsed["ResponseMetadata"] = {
                "RequestId": answer.headers.get("x-amzn-requestid", ""),
                "HTTPStatusCode": answer.status_code,
                "HTTPHeaders": answer.headers,
            }

    def read_error(self, operation: str, answer: Answer) -> dict[str, Any]:
        """A refusal as botocore parses it, with the members that the service's model gives its kind."""
        response = {
            "headers": answer.headers,
            "status_code": answer.status_code,
            "body": _legible(answer.content),
        }
        parsed: dict[str, Any] = self._parser.parse(response, self._operation(operation).output_shape)
        shape = self._model.shape_for_error_code(parsed.get("Error", {}).get("Code"))
        if shape is not None:
            parsed.update(self._parser.parse(response, shape))
        return parsed

    def retry_delay(
        self, operation: str, answer: Answer, attempts: int, context: dict[str, Any]
    ) -> float | None:
        """After how many seconds to try again; None is not at all. `context` is that of the whole call."""
        replies = self._events.emit(
            f"needs-retry.dynamodb.{operation}",
            response=None if answer.error else (answer, answer.parsed),
            endpoint=None,
            operation=self._operation(operation),
            attempts=attempts,
            caught_exception=answer.error,
            request_dict={"context": context},
        )
        delay: float | bool | None = first_non_none_response(replies)
        return None if delay is False else delay

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


def _endpoint(client: Any) -> tuple[str, str, str]:
    """Address, and region and service to sign for.

    They come from a link that the client signs, as it is the one public way to what its rules say of an
    operation: `meta.endpoint_url` knows no account's own endpoint, and not every exception of a region.
    """
    link: str = client.generate_presigned_url("list_tables")
    parts = urlsplit(link)
    *_, region, service, _ = parse_qs(parts.query)["X-Amz-Credential"][0].split("/")
    return f"{parts.scheme}://{parts.netloc}{parts.path}", region, service


def _legible(content: bytes) -> bytes:
    """The body of a refusal; botocore's parser stumbles over one that is no text, or JSON but no object."""
    try:
        is_object = isinstance(orjson.loads(content), dict)
    except ValueError:
        return content.decode(errors="replace").encode()
    return content if is_object else b""
