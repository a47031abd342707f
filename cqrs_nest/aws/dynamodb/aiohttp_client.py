"""The faster port to DynamoDB: boto3's decisions on asyncio's connections."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from os import environ
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import orjson

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.session import CONNECT_SECONDS, READ_SECONDS, AwsSession
from cqrs_nest.common import Injectable

if TYPE_CHECKING:
    from cqrs_nest.aws.dynamodb.aiohttp_connections import AiohttpConnections
    from cqrs_nest.aws.dynamodb.botocore_rules import Answer, BotocoreRules


class _Port(NamedTuple):
    rules: BotocoreRules
    connections: AiohttpConnections


@Injectable()
class AiohttpDynamoDbClient:
    """`DynamoDbClient` by aiohttp, on the event loop; `DYNAMODB_CLIENT=aiohttp` chooses it.

    Endpoint, region, credentials, signature, retries and errors are botocore's, by way of the session's
    boto3 client. Ours are the writing and the reading of JSON, and that no thread is needed.
    """

    def __init__(self, session: AwsSession) -> None:
        # Nothing of it is imported before the first call, but that it is missing is said at the start.
        if find_spec("aiohttp") is None:
            raise AwsConfigurationError(
                "DYNAMODB_CLIENT is aiohttp, which is not installed: pip install 'cqrs-nest[fast]'"
            )
        self._session = session
        self._port: _Port | None = None
        self._opening = threading.Lock()
        self._running: set[asyncio.Future[None]] = set()
        self._is_shut_down = False

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
        """Let running calls end, then close the connections."""
        self._is_shut_down = True
        here = asyncio.get_running_loop()
        running = [call for call in tuple(self._running) if call.get_loop() is here]
        if running:
            await asyncio.wait(running)
        if self._port is not None:
            await self._port.connections.close()

    async def _call(self, operation: str, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._is_shut_down:
            raise RuntimeError("DynamoDB cannot be called after the application has been shut down")
        running = asyncio.get_running_loop().create_future()
        self._running.add(running)
        try:
            with self._session.span("dynamodb", method, request):
                port = self._port
                if port is None:
                    port = await self._session.run(self._opened)
                return await self._answered(port, operation, orjson.dumps(request, default=_base64))
        finally:
            self._running.remove(running)
            running.set_result(None)

    async def _answered(self, port: _Port, operation: str, body: bytes) -> dict[str, Any]:
        attempts = 1
        context: dict[str, Any] = {}
        while True:
            answer = await self._attempt(port, operation, body)
            delay = port.rules.retry_delay(operation, answer, attempts, context)
            if delay is None:
                return port.rules.result(operation, answer, attempts, context)
            await asyncio.sleep(delay)
            attempts += 1

    async def _attempt(self, port: _Port, operation: str, body: bytes) -> Answer:
        rules = port.rules
        if rules.limits_rate:
            await self._session.run(lambda: rules.wait_for_turn(operation))
        headers = rules.signed_headers(await self._session.credentials(), operation, body)
        answer = await port.connections.post(body, headers)
        if answer.error is None:
            if answer.status_code >= 300:
                answer.parsed = rules.read_error(operation, answer)
            else:
                rules.read_success(answer, _read)
        return answer

    def _opened(self) -> _Port:
        """What the first call makes, in a thread: importing and building it takes a while."""
        with self._opening:
            port = self._port = self._port or self._open()
            return port

    def _open(self) -> _Port:
        from cqrs_nest.aws.dynamodb.aiohttp_connections import AiohttpConnections
        from cqrs_nest.aws.dynamodb.botocore_rules import BotocoreRules

        rules = BotocoreRules(self._session.client("dynamodb"))
        connections = AiohttpConnections(
            rules.url,
            self._session.setting("ca_bundle") or environ.get("REQUESTS_CA_BUNDLE"),
            connect_seconds=CONNECT_SECONDS,
            read_seconds=READ_SECONDS,
        )
        return _Port(rules, connections)


def _base64(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    raise TypeError(f"a request of DynamoDB cannot hold {type(value).__qualname__}")


def _read(content: bytes) -> dict[str, Any]:
    """A response, with bytes where DynamoDB has base64. Raises ValueError for what is none."""
    response: Any = orjson.loads(content)
    if not _is_object(response):
        raise ValueError("it is no JSON object")
    if b'"B"' in content or b'"BS"' in content:
        for name, convert in _MEMBERS.items():
            if name in response:
                convert(response[name])
    return response


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


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
