"""The port to DynamoDB, in its own JSON, and boto3 behind it."""

from __future__ import annotations

from typing import Any, Protocol

from cqrs_nest.aws.session import AwsSession
from cqrs_nest.common import Injectable


class DynamoDbClient(Protocol):
    """What the framework asks of DynamoDB. Requests and responses are those of its HTTP API.

    Another driver may stand behind it: provide a class under this name. A refused call raises
    botocore's ClientError.
    """

    async def put_item(self, **request: Any) -> dict[str, Any]: ...
    async def get_item(self, **request: Any) -> dict[str, Any]: ...
    async def update_item(self, **request: Any) -> dict[str, Any]: ...
    async def delete_item(self, **request: Any) -> dict[str, Any]: ...
    async def query(self, **request: Any) -> dict[str, Any]: ...
    async def scan(self, **request: Any) -> dict[str, Any]: ...
    async def batch_get_item(self, **request: Any) -> dict[str, Any]: ...
    async def transact_write_items(self, **request: Any) -> dict[str, Any]: ...


@Injectable()
class Boto3DynamoDbClient:
    """`DynamoDbClient` by boto3, in threads."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    async def put_item(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "put_item", **request)

    async def get_item(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "get_item", **request)

    async def update_item(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "update_item", **request)

    async def delete_item(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "delete_item", **request)

    async def query(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "query", **request)

    async def scan(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "scan", **request)

    async def batch_get_item(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "batch_get_item", **request)

    async def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return await self._session.call("dynamodb", "transact_write_items", **request)
