"""Messages to the clients that subscribe to AppSync: over GraphQL, or over AppSync Events."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.json_text import to_json
from cqrs_nest.aws.signed_http import HttpAnswer, SignedHttp
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment

SIGNING_NAME = "appsync"
SEGMENT_LENGTH = 50
EVENT_BYTES = 240_000
"""What AppSync carries to subscribers at once. A larger subscription message it drops without a word."""
NO_TENANT = "none"
READABLE_LENGTH = 24
DIGEST_LENGTH = 24
SHOWN_CHARACTERS = 300
SEND_MESSAGE = (
    "mutation SEND_MESSAGE($message: AWSJSON!) { sendMessage(message: $message) "
    "{ id table pk sk tenantCode action content } }"
)
_OTHER = re.compile(r"[^A-Za-z0-9]")
_PLAIN = re.compile(rf"(?!.*--)(?=.{{1,{SEGMENT_LENGTH}}}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_REGION = re.compile(r"\.appsync-api\.([a-z0-9-]+)\.amazonaws\.")


class AppSyncError(Exception):
    """AppSync did not take a message."""


class MessageTooLargeError(AppSyncError):
    """A message is larger than what AppSync carries to subscribers, so that it was not sent."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"A message of {size} bytes is too large for AppSync, which carries {EVENT_BYTES} to a client.\n"
            "  Let its content name what clients fetch by a query, in place of holding it."
        )


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class AppSyncService:
    """Sends messages by the mutation `sendMessage` of `APPSYNC_ENDPOINT`.

    With `APPSYNC_API_KEY` by that key, otherwise signed, for the region that the endpoint names.
    """

    def __init__(self, http: SignedHttp, environment: Environment) -> None:
        self._http = http
        self._endpoint = environment.appsync_endpoint
        self._api_key = environment.appsync_api_key

    async def send_message(self, message: str) -> None:
        """Send a message, which is JSON text.

        Raises AppSyncError when AppSync refuses it or answers with GraphQL errors, and before that
        MessageTooLargeError for one that would not get to subscribers.
        """
        _check_size(message)
        endpoint = _configured(self._endpoint, "APPSYNC_ENDPOINT")
        body = to_json({"query": SEND_MESSAGE, "variables": {"message": message}}).encode()
        headers = {"content-type": "application/json"}
        if self._api_key:
            headers["x-api-key"] = self._api_key
        service = None if self._api_key else SIGNING_NAME
        answer = await self._http.post(endpoint, body, headers, service=service, region=region_of(endpoint))
        errors = _errors(answer)
        if errors or not answer.is_success:
            reason = errors or answer.text[:SHOWN_CHARACTERS]
            raise AppSyncError(f"AppSync did not take a message [{answer.status}]: {reason}")


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class AppSyncEventsService:
    """Publishes messages to channels of `APPSYNC_EVENTS_ENDPOINT`, signed."""

    def __init__(self, http: SignedHttp, environment: Environment) -> None:
        self._http = http
        self._endpoint = environment.appsync_events_endpoint
        self._namespace = environment.appsync_events_namespace

    async def send_message(
        self, message: str, *, tenant: str | None, action: str | None, id: str | None
    ) -> None:
        """Publish a message, which is JSON text, to `/<namespace>/<tenant>/<action>/<id>`.

        Raises AppSyncError when AppSync refuses the request, or the one event in it, and before that
        MessageTooLargeError for a message that it would not take.
        """
        _check_size(message)
        endpoint = _configured(self._endpoint, "APPSYNC_EVENTS_ENDPOINT")
        channel = channel_of(self._namespace, tenant, action, id)
        body = to_json({"id": str(uuid4()), "channel": channel, "events": [message]}).encode()
        headers = {
            "accept": "application/json, text/javascript",
            "content-encoding": "amz-1.0",
            "content-type": "application/json; charset=UTF-8",
        }
        region = region_of(endpoint)
        answer = await self._http.post(endpoint, body, headers, service=SIGNING_NAME, region=region)
        refused = _document(answer).get("failed")
        if refused or not answer.is_success:
            reason = _texts(refused) if refused else answer.text[:SHOWN_CHARACTERS]
            raise AppSyncError(
                f"AppSync Events publish failed [{answer.status}] on channel {channel}: {reason}"
            )


def channel_of(namespace: str, tenant: str | None, action: str | None, id: str | None) -> str:
    """The channel of a message, as subscribers build it too.

    Actions and ids that differ only in what a channel cannot hold share one; tenants never do.

    >>> channel_of("default", "acme", "command-status", "TODO#acme#A1@1")
    '/default/acme/command-status/TODO-acme-A1-1'
    >>> channel_of("default", "", None, "#")
    '/default/none/none/none'
    """
    return "/".join(["", namespace, tenant_segment(tenant), _segment(action or ""), _segment(id or "")])


def tenant_segment(tenant: str | None) -> str:
    """The part of a channel that is a tenant's alone: its code where that fits, as it does for most.

    Any other code is what of it fits, two dashes, and a digest; no code that fits has two dashes.

    >>> tenant_segment("acme-eu")
    'acme-eu'
    >>> tenant_segment("acme_eu")
    'acme-eu--346fd5866466941ca6198122'
    """
    if not tenant:
        return NO_TENANT
    if _PLAIN.fullmatch(tenant) and tenant != NO_TENANT:
        return tenant
    readable = _segment(tenant)[:READABLE_LENGTH].strip("-")
    return f"{readable}--{hashlib.sha256(tenant.encode()).hexdigest()[:DIGEST_LENGTH]}"


def region_of(endpoint: str) -> str | None:
    """The region within the host name of an endpoint; None for a domain of one's own.

    >>> region_of("https://abc.appsync-api.eu-west-1.amazonaws.com/graphql")
    'eu-west-1'
    """
    found = _REGION.search(urlsplit(endpoint).netloc)
    return found and found[1]


def _segment(text: str) -> str:
    return _OTHER.sub("-", text)[:SEGMENT_LENGTH].strip("-") or "none"


def _check_size(message: str) -> None:
    if (size := len(message.encode())) > EVENT_BYTES:
        raise MessageTooLargeError(size)


def _configured(endpoint: str | None, variable: str) -> str:
    if endpoint is None:
        raise AwsConfigurationError(
            f"There is nothing to send messages to: set {variable} in the environment"
        )
    return endpoint


def _errors(answer: HttpAnswer) -> str:
    """What GraphQL says went wrong, which comes with status 200."""
    return _texts(_document(answer).get("errors") or [])


def _texts(errors: Iterable[Any]) -> str:
    """What a list of errors says, whatever they look like."""
    texts = (cast(dict[str, Any], error) if isinstance(error, dict) else {} for error in errors)
    said = (text.get("message") or text.get("errorMessage") for text in texts)
    return "; ".join(str(text or "an error without a message") for text in said)[:SHOWN_CHARACTERS]


def _document(answer: HttpAnswer) -> dict[str, Any]:
    """The JSON object of an answer; empty for any other."""
    try:
        document: Any = orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        return {}
    return cast(dict[str, Any], document) if isinstance(document, dict) else {}
