"""Commands that a client may send twice: the second time gives the first result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from hashlib import sha256
from time import time
from typing import Any, ClassVar

from pydantic import TypeAdapter
from ulid_transform import ulid_now

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, is_condition_failure
from cqrs_nest.buses import Behaviour, Command, Next
from cqrs_nest.buses.messages import generic_arguments
from cqrs_nest.common import ConflictException, Injectable
from cqrs_nest.cqrs.message_context import current_message_context

KEY = "idempotency_key"
IN_PROGRESS = "The request with this idempotency key is still in progress"


class IdempotencyStore(ABC):
    """Remembers which commands were carried out, and with what result."""

    @abstractmethod
    async def begin(self, key: str, seconds: int) -> str | None:
        """Claim a key for so many seconds, or give the result that is stored under it.

        Raises ConflictException (409) while somebody else holds the claim.
        """

    @abstractmethod
    async def finish(self, key: str, result: str, seconds: int) -> None:
        """Keep the result for so many seconds."""

    @abstractmethod
    async def forget(self, key: str) -> None:
        """Give the claim up: the command failed and may be tried again."""


class InMemoryIdempotencyStore(IdempotencyStore):
    """For tests, and for services that run as one process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, str | None]] = {}

    async def begin(self, key: str, seconds: int) -> str | None:
        """See `IdempotencyStore`."""
        now = time()
        expires, result = self._kept.get(key, (0.0, None))
        if expires > now:
            if result is None:
                raise ConflictException(IN_PROGRESS)
            return result
        self._kept = {name: entry for name, entry in self._kept.items() if entry[0] > now}
        self._kept[key] = now + seconds, None
        return None

    async def finish(self, key: str, result: str, seconds: int) -> None:
        """See `IdempotencyStore`."""
        self._kept[key] = time() + seconds, result

    async def forget(self, key: str) -> None:
        """See `IdempotencyStore`."""
        self._kept.pop(key, None)


@Injectable()
class DynamoDbIdempotencyStore(IdempotencyStore):
    """Rows of the table `session`, which DynamoDB takes away when they have expired."""

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb

    async def begin(self, key: str, seconds: int) -> str | None:
        """See `IdempotencyStore`."""
        now = int(time())
        unclaimed = Condition("attribute_not_exists(pk) OR #ttl <= :now", {":now": now}, {"#ttl": "ttl"})
        # The id makes every claim different: an equal one would pass for a retry of this put.
        claim = {**_row_key(key), "claim": ulid_now(), "ttl": now + seconds}
        try:
            await self._dynamodb.put_item(self._table, claim, unclaimed)
        except Exception as error:
            if not is_condition_failure(error):
                raise
        else:
            return None
        row = await self._dynamodb.get_item(self._table, _row_key(key), consistent_read=True)
        if row is None or "result" not in row:
            raise ConflictException(IN_PROGRESS)
        result: str = row["result"]
        return result

    async def finish(self, key: str, result: str, seconds: int) -> None:
        """See `IdempotencyStore`."""
        row = {**_row_key(key), "result": result, "ttl": int(time()) + seconds}
        await self._dynamodb.put_item(self._table, row)

    async def forget(self, key: str) -> None:
        """See `IdempotencyStore`."""
        await self._dynamodb.delete_item(self._table, _row_key(key))

    @property
    def _table(self) -> str:
        return self._dynamodb.get_table_name("session")


@Injectable()
class IdempotencyBehaviour(Behaviour):
    """Carries a command with an `idempotency_key` out once; a repetition gets the first result.

    `CqrsModule.for_root(command_behaviours=[IdempotencyBehaviour])`. Keys belong to a user of a tenant and
    to a class of commands. A repetition during the first attempt is answered 409; a failed attempt
    leaves nothing behind. Results are kept as JSON of the type that the command declares, in DynamoDB
    unless another `IdempotencyStore` is given.
    """

    claim_seconds: ClassVar[int] = 60
    """How long an attempt may take before another one may begin: more than the longest request."""
    keep_seconds: ClassVar[int] = 24 * 60 * 60
    """How long a result is kept."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store

    def applies_to(self, message: type[Any]) -> bool:
        """Whether the class has the property."""
        fields = (*getattr(message, "__dataclass_fields__", ()), *getattr(message, "model_fields", ()))
        return KEY in fields or hasattr(message, KEY)

    async def handle(self, message: Any, next: Next) -> Any:
        """Look the key up, and keep the result."""
        given = getattr(message, KEY)
        if given is None:
            return await next(message)
        cls: Any = message.__class__
        key = _key(cls, str(given))
        stored = await self._store.begin(key, self.claim_seconds)
        if stored is not None:
            return _result_of(cls).validate_json(stored)
        try:
            result = await next(message)
        except BaseException:
            await self._store.forget(key)
            raise
        await self._store.finish(key, _result_of(cls).dump_json(result).decode(), self.keep_seconds)
        return result


def _key(command: type[Any], given: str) -> str:
    """Of one length whatever a client sends, and nobody else's."""
    context = current_message_context()
    owner = (context.tenant_code, context.user_id, command.__module__, command.__qualname__, given)
    return sha256(repr(owner).encode()).hexdigest()


@cache
def _result_of(command: Any) -> TypeAdapter[Any]:
    (result,) = generic_arguments(command, Command) or (Any,)
    return TypeAdapter(result)


def _row_key(key: str) -> dict[str, str]:
    return {"pk": f"idempotency#{key}", "sk": "result"}
