"""What a publish may be refused with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cqrs_nest.commands.keys import DetailKey
from cqrs_nest.common import HttpException

STALE_VERSION = "Invalid input version. The input version must be equal to the latest version"
ITEM_NOT_FOUND = "Invalid input key: item not found"
NOT_FOUND_OR_MISMATCH = "Invalid input: item not found or version mismatch"
WRITE_CONFLICT = "ConditionalCheckFailedException: The conditional request failed"


class VersionConflictException(HttpException):
    """409. Somebody else published first: read the item again and decide anew.

    `expected` is the version that was published with, `actual` the one that is stored (None: unknown,
    0: there is no item).

    >>> VersionConflictException(DetailKey("TODO#acme", "A1"), expected=1, actual=2).body()["statusCode"]
    409
    """

    def __init__(
        self,
        key: DetailKey,
        expected: int,
        actual: int | None = None,
        *,
        message: str = STALE_VERSION,
        status: HTTPStatus = HTTPStatus.CONFLICT,
    ) -> None:
        body: dict[str, Any] = {"message": message, "error": status.phrase, "statusCode": int(status)}
        super().__init__(body, status)
        self.key = key
        self.expected = expected
        self.actual = actual


class LostAttributesException(HttpException):
    """409. A change builds on attributes whose object in S3 is gone.

    Publish the whole item, or give the attributes as `Replace({...})`.
    """

    def __init__(self, key: DetailKey, reference: str) -> None:
        status = HTTPStatus.CONFLICT
        message = f"The attributes of {key.pk} {key.sk} are lost: publish the whole item"
        body: dict[str, Any] = {"message": message, "error": status.phrase, "statusCode": int(status)}
        super().__init__(body, status)
        self.key = key
        self.reference = reference
