"""The faster port to DynamoDB: boto3's decisions on asyncio's connections."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.session import CONCURRENT_CALLS, CONNECT_SECONDS, READ_SECONDS, AwsSession
from cqrs_nest.common import Injectable

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from cqrs_nest.aws.dynamodb.botocore_rules import Answer, BotocoreRules


@Injectable()
class AiohttpDynamoDbClient:
    """`DynamoDbClient` by aiohttp, on the event loop; `DYNAMODB_CLIENT=aiohttp` chooses it.

    Endpoint, region, credentials, signature, retries and errors are botocore's, by way of the session's
    boto3 client. Ours are the writing and the reading of JSON, and that no thread is needed.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self._rules: BotocoreRules | None = None
        self._http: ClientSession | None = None
        self._starting = asyncio.Lock()

    async def put_item(self, **request: Any) -> dict[str, Any]:
        return await self._call("PutItem", "put_item", request)

    async def get_item(self, **request: Any) -> dict[str, Any]:
        return await self._call("GetItem", "get_item", request)

    async def update_item(self, **request: Any) -> dict[str, Any]:
        return await self._call("UpdateItem", "update_item", request)

    async def delete_item(self, **request: Any) -> dict[str, Any]:
        return await self._call("DeleteItem", "delete_item", request)

    async def query(self, **request: Any) -> dict[str, Any]:
        return await self._call("Query", "query", request)

    async def scan(self, **request: Any) -> dict[str, Any]:
        return await self._call("Scan", "scan", request)

    async def batch_get_item(self, **request: Any) -> dict[str, Any]:
        return await self._call("BatchGetItem", "batch_get_item", request)

    async def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return await self._call("TransactWriteItems", "transact_write_items", request)

    async def on_application_shutdown(self, signal: str | None = None) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def _call(self, operation: str, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._session.span("dynamodb", method, request):
            rules, http = await self._started()
            body = orjson.dumps(request, default=_base64)
            attempts = 1
            context: dict[str, Any] = {}
            while True:
                answer = await self._attempt(rules, http, operation, body)
                delay = rules.retry_delay(operation, answer, attempts, context)
                if delay is None:
                    return rules.result(operation, answer, attempts, context)
                await asyncio.sleep(delay)
                attempts += 1

    async def _attempt(
        self, rules: BotocoreRules, http: ClientSession, operation: str, body: bytes
    ) -> Answer:
        from aiohttp import ClientError

        from cqrs_nest.aws.dynamodb.botocore_rules import Answer

        headers = rules.signed_headers(await self._session.credentials(), operation, body)
        try:
            async with http.post(rules.url, data=body, headers=headers, proxy=rules.proxy) as response:
                content = await response.read()
        except (ClientError, TimeoutError, OSError) as error:
            return Answer(error=_connection_error(error, rules.url))
        answer_headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status, answer_headers, content)
        if response.status >= 300:
            answer.parsed = rules.read_error(operation, answer)
            return answer
        answer.parsed = _read(content)
        answer.parsed["ResponseMetadata"] = {
            "RequestId": answer_headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": response.status,
            "HTTPHeaders": answer_headers,
        }
        return answer

    async def _started(self) -> tuple[BotocoreRules, ClientSession]:
        """What the first call makes; importing and building it takes a while."""
        if self._rules is None or self._http is None:
            async with self._starting:
                if self._rules is None or self._http is None:
                    rules = await self._session.run(self._make_rules)
                    self._rules, self._http = rules, _connections()
        return self._rules, self._http

    def _make_rules(self) -> BotocoreRules:
        from cqrs_nest.aws.dynamodb.botocore_rules import BotocoreRules

        try:
            import_module("aiohttp")  # here, in a thread, as it takes a while
        except ImportError as error:
            raise AwsConfigurationError(
                "DYNAMODB_CLIENT is aiohttp, which is not installed: pip install 'cqrs-nest[fast]'"
            ) from error
        return BotocoreRules(self._session.client("dynamodb"))


def _connections() -> ClientSession:
    import ssl

    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
    from botocore.httpsession import get_cert_path

    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
    trust = ssl.create_default_context(cafile=get_cert_path(True))
    connector = TCPConnector(limit=CONCURRENT_CALLS, ssl=trust)
    return ClientSession(connector=connector, timeout=timeout, cookie_jar=DummyCookieJar())


def _connection_error(error: Exception, url: str) -> Exception:
    """The exception that botocore has for what happened to a connection."""
    from aiohttp import ClientConnectorError, ConnectionTimeoutError
    from botocore import exceptions

    if isinstance(error, ConnectionTimeoutError):
        return exceptions.ConnectTimeoutError(endpoint_url=url, error=error)
    if isinstance(error, TimeoutError):
        return exceptions.ReadTimeoutError(endpoint_url=url, error=error)
    if isinstance(error, ClientConnectorError):
        return exceptions.EndpointConnectionError(endpoint_url=url, error=error)
    return exceptions.ConnectionClosedError(endpoint_url=url, error=error)


def _base64(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    raise TypeError(f"a request of DynamoDB cannot hold {type(value).__qualname__}")


def _read(content: bytes) -> dict[str, Any]:
    """A response, with bytes where DynamoDB has base64."""
    response: dict[str, Any] = orjson.loads(content)
    if b'"B"' in content or b'"BS"' in content:
        for name, convert in _MEMBERS.items():
            if name in response:
                convert(response[name])
    return response


def _decode_item(item: dict[str, Any]) -> None:
    for value in item.values():
        _decode(value)


def _decode_items(items: list[dict[str, Any]]) -> None:
    for item in items:
        _decode_item(item)


def _decode_tables(tables: dict[str, list[dict[str, Any]]]) -> None:
    for items in tables.values():
        _decode_items(items)


def _decode_keys(tables: dict[str, dict[str, Any]]) -> None:
    for table in tables.values():
        _decode_items(table["Keys"])


_MEMBERS: dict[str, Callable[[Any], None]] = {
    "Item": _decode_item,
    "Attributes": _decode_item,
    "LastEvaluatedKey": _decode_item,
    "Items": _decode_items,
    "Responses": _decode_tables,
    "UnprocessedKeys": _decode_keys,
}


def _decode(value: dict[str, Any]) -> None:
    """Turn the base64 in an attribute value into bytes, where it stands."""
    ((kind, content),) = value.items()
    if kind == "B":
        value[kind] = b64decode(content)
    elif kind == "BS":
        value[kind] = [b64decode(member) for member in content]
    elif kind == "L":
        for member in content:
            _decode(member)
    elif kind == "M":
        _decode_item(content)
