"""Large `attributes` live in S3; the row then carries `s3://<bucket>/<key>` in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from ulid_transform import ulid_now

from cqrs_nest.aws.dynamodb.attribute_values import Item
from cqrs_nest.aws.errors import UnsupportedValueError
from cqrs_nest.aws.json_text import to_json
from cqrs_nest.aws.s3 import S3Service
from cqrs_nest.common import ForbiddenException, Injectable, Logger
from cqrs_nest.config import Environment

SCHEME = "s3://"
_FOLDER = "ddb"

_audit = Logger("Audit")


def is_s3_uri(attributes: object) -> TypeGuard[str]:
    """Whether the value of `attributes` stands for an object in S3.

    >>> is_s3_uri("s3://bucket/ddb/x.json"), is_s3_uri({"n": 1})
    (True, False)
    """
    return isinstance(attributes, str) and attributes.startswith(SCHEME)


def s3_key(uri: str) -> str:
    """The key of an S3 URI. Its bucket does not count: the configured one is read.

    >>> s3_key("s3://bucket/ddb/x.json")
    'ddb/x.json'
    """
    return uri.removeprefix(SCHEME).partition("/")[2]


def refers_to_others(uri: str, pk: str) -> bool:
    """Whether an S3 URI leads to what cannot be the attributes of an item of the partition.

    That is an object for another tenant's item, or one that is no item's attributes at all. Some objects
    of the TypeScript framework name no partition; they may be anybody's.

    >>> refers_to_others("s3://bucket/ddb/dev-todo-data/TODO#acme/A1/x.json", "TODO#acme")
    False
    >>> refers_to_others("s3://bucket/ddb/dev-todo-data/TODO#umbrella/A1/x.json", "TODO#acme")
    True
    """
    folder, _, rest = s3_key(uri).partition("/")
    path = rest.partition("/")[2]
    if folder != _FOLDER:
        return True
    _, separator, tenant = path.partition("/")[0].rpartition("#")
    return bool(separator) and tenant != pk.rpartition("#")[2] and not path.startswith(f"{pk}/")


class OffloadedAttributes(dict[str, Any]):
    """Attributes that were read from S3; they know from where."""

    def __init__(self, attributes: Mapping[str, Any], uri: str) -> None:
        super().__init__(attributes)
        self.uri = uri


@Injectable()
class AttributeOffload:
    """Moves `attributes` over `ATTRIBUTE_LIMIT_SIZE` bytes of JSON to S3 on write and back on read."""

    def __init__(self, s3: S3Service, environment: Environment) -> None:
        self._s3 = s3
        self._limit = environment.attribute_limit_size
        self._logger = Logger("AttributeOffload")

    def is_large(self, attributes: object) -> bool:
        """Whether attributes belong into S3. Raises UnsupportedValueError for what has no form there."""
        if attributes is None or isinstance(attributes, str):
            return False
        try:
            return len(to_json(attributes).encode()) > self._limit
        except UnsupportedValueError as error:
            error.lies_in("attributes")
            raise

    async def store(self, table: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The item as it goes into the row; its attributes have been written to S3 when they are large.

        In the object dates are UTC and sets are lists, as JSON has it.
        """
        attributes = item.get("attributes")
        if not self.is_large(attributes):
            return item
        key = f"{_folder(table, item)}{ulid_now()}.json"
        await self._s3.put_item(key, attributes)
        return {**item, "attributes": f"{SCHEME}{self._s3.bucket}/{key}"}

    async def load(self, item: Item) -> Item:
        """The item with its attributes read from S3 where the row only refers to them.

        A reference to another tenant's object, which some writer let through, is not followed.
        Raises ClientError `NoSuchKey` when the object is gone, ForbiddenException (403) for such a reference.
        """
        uri = item.get("attributes")
        if not is_s3_uri(uri):
            return item
        if refers_to_others(uri, item.get("pk", "")):
            _audit.warn(
                "refused to follow the reference of a row to an object of others: item %r", item.get("sk")
            )
            raise ForbiddenException("The item refers to what is not its own")
        loaded: dict[str, Any] | list[Any] = await self._s3.get_item(s3_key(uri))
        item["attributes"] = OffloadedAttributes(loaded, uri) if isinstance(loaded, dict) else loaded
        return item

    async def discard(self, table: str, item: Mapping[str, Any]) -> None:
        """Delete the S3 object of a row that is not stored (any more). A failure is only logged.

        An object that was not written for this very row is left alone.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        attributes = item.get("attributes")
        uri = attributes.uri if isinstance(attributes, OffloadedAttributes) else attributes
        if not is_s3_uri(uri) or not s3_key(uri).startswith(_folder(table, item)):
            return
        try:
            await self._s3.delete_item(s3_key(uri))
        except (ClientError, BotoCoreError) as error:
            self._logger.error("%s, which nothing refers to, was not deleted", uri, error=error)


def _folder(table: str, item: Mapping[str, Any]) -> str:
    return f"{_FOLDER}/{table}/{item['pk']}/{item['sk']}/"
