"""Where idempotency keys and the results of their commands are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from time import time
from typing import NamedTuple

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, is_condition_failure
from cqrs_nest.common import ConflictException, Injectable
from cqrs_nest.core.expiring_map import ExpiringMap

STORE_TABLE = "session"
STORE_CALLS = ("DeleteItem", "GetItem", "PutItem")
_IN_PROGRESS = "The request with this idempotency key is still in progress"

_OWN, _CLAIM = "#claim = :owner", {"#claim": "claim"}


class IdempotencyStore(ABC):
    """Remembers which commands were carried out, and with what result.

    Every attempt has an `owner` of its own: what it claimed, no other attempt finishes or gives up.
    """

    @abstractmethod
    async def begin(self, key: str, owner: str, seconds: int) -> str | None:
        """Claim a key for so many seconds, or give the result that is kept under it.

        Raises ConflictException (409) while somebody else holds the claim.
        """

    @abstractmethod
    async def finish(self, key: str, owner: str, result: str, seconds: int) -> bool:
        """Keep the result for so many seconds; False, with nothing kept, if the claim is another's by now."""

    @abstractmethod
    async def forget(self, key: str, owner: str) -> None:
        """Give the claim up, if it still is the owner's: the command failed and may be tried again."""


class _Entry(NamedTuple):
    owner: str
    result: str | None = None


class InMemoryIdempotencyStore(IdempotencyStore):
    """For tests, and for services that run as one process."""

    def __init__(self) -> None:
        self._kept = ExpiringMap[str, _Entry]()

    async def begin(self, key: str, owner: str, seconds: int) -> str | None:
        """See `IdempotencyStore`."""
        now = time()
        entry = self._kept.get(key, now)
        if entry is None:
            self._kept.put(key, _Entry(owner), until=now + seconds, now=now)
            return None
        if entry.owner != owner and entry.result is None:
            raise ConflictException(_IN_PROGRESS)
        return entry.result

    async def finish(self, key: str, owner: str, result: str, seconds: int) -> bool:
        """See `IdempotencyStore`."""
        now = time()
        entry = self._kept.get(key, now)
        if entry is not None and entry.owner != owner:
            return False
        self._kept.put(key, _Entry(owner, result), until=now + seconds, now=now)
        return True

    async def forget(self, key: str, owner: str) -> None:
        """See `IdempotencyStore`."""
        entry = self._kept.get(key, time())
        if entry is not None and entry.owner == owner:
            self._kept.forget(key)


@Injectable()
class DynamoDbIdempotencyStore(IdempotencyStore):
    """Rows of the table `session`, which DynamoDB takes away when they have expired."""

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb

    async def begin(self, key: str, owner: str, seconds: int) -> str | None:
        """See `IdempotencyStore`."""
        now = int(time())
        unclaimed = Condition("attribute_not_exists(pk) OR #ttl <= :now", {":now": now}, {"#ttl": "ttl"})
        claim = {**_row_key(key), "claim": owner, "ttl": now + seconds}
        try:
            await self._dynamodb.put_item(self._table, claim, unclaimed)
        except Exception as error:
            if not is_condition_failure(error):
                raise
        else:
            return None
        row = await self._dynamodb.get_item(self._table, _row_key(key), consistent_read=True)
        if row is None or "result" not in row:
            raise ConflictException(_IN_PROGRESS)
        result: str = row["result"]
        return result

    async def finish(self, key: str, owner: str, result: str, seconds: int) -> bool:
        """See `IdempotencyStore`."""
        # A row that DynamoDB has taken away as expired is nobody's.
        own = Condition(f"attribute_not_exists(pk) OR {_OWN}", {":owner": owner}, _CLAIM)
        row = {**_row_key(key), "claim": owner, "result": result, "ttl": int(time()) + seconds}
        try:
            await self._dynamodb.put_item(self._table, row, own)
        except Exception as error:
            if not is_condition_failure(error):
                raise
            return False
        return True

    async def forget(self, key: str, owner: str) -> None:
        """See `IdempotencyStore`."""
        own = Condition(_OWN, {":owner": owner}, _CLAIM)
        try:
            await self._dynamodb.delete_item(self._table, _row_key(key), own)
        except Exception as error:
            if not is_condition_failure(error):
                raise

    @property
    def _table(self) -> str:
        return self._dynamodb.get_table_name(STORE_TABLE)


def _row_key(key: str) -> dict[str, str]:
    return {"pk": f"idempotency#{key}", "sk": "result"}
