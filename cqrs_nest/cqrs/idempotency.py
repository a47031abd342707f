"""Commands that a client may send twice: the second time gives the first result."""

from __future__ import annotations

import asyncio
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError
from ulid_transform import ulid_now

from cqrs_nest.buses import Behaviour, Command, HandlerSetupError, Next
from cqrs_nest.buses.messages import generic_arguments
from cqrs_nest.common import Injectable, Logger
from cqrs_nest.core.concurrency import note_failure
from cqrs_nest.cqrs.idempotency_stores import IdempotencyStore
from cqrs_nest.cqrs.message_context import current_message_context

KEY = "idempotency_key"


class IdempotencyResultError(TypeError):
    """A result that cannot be kept, or not be given back, as the type that its command declares."""


@Injectable()
class IdempotencyBehaviour(Behaviour):
    """Carries a command with an `idempotency_key` out once; a repetition gets the first result.

    `CqrsModule.for_root(command_behaviours=[IdempotencyBehaviour])`. Keys belong to a user of a tenant and
    to a class of commands; callers without an identity share theirs. A repetition during the first attempt
    is answered 409; an attempt that raised leaves nothing behind. One that was cancelled may have had its
    effect, so its key answers 409 until the claim expires. Results are kept as JSON of the type that the
    command declares, in DynamoDB unless another `IdempotencyStore` is given.
    """

    claim_seconds: ClassVar[int] = 60
    """How long an attempt may take before another one may begin: more than the longest request."""
    keep_seconds: ClassVar[int] = 24 * 60 * 60
    """How long a result is kept."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store
        self._logger = Logger("Idempotency")
        self._finishing: set[asyncio.Task[None]] = set()

    def applies_to(self, message: Any) -> bool:
        """Whether the class has the property. Raises HandlerSetupError for a result that cannot be kept."""
        fields = (*getattr(message, "__dataclass_fields__", ()), *getattr(message, "model_fields", ()))
        if KEY not in fields and not hasattr(message, KEY):
            return False
        _result_of(message)
        return True

    async def handle(self, message: Any, next: Next) -> Any:
        """Look the key up, and keep the result.

        Raises ConflictException (409) during the first attempt, IdempotencyResultError for a result that is
        not of its declared type; the command has been carried out then.
        """
        given = getattr(message, KEY)
        if given is None:
            return await next(message)
        cls: Any = message.__class__
        key, owner = _key(cls, str(given)), ulid_now()
        kept = await self._store.begin(key, owner, self.claim_seconds)
        if kept is not None:
            return _decode(cls, kept)
        try:
            result = await next(message)
        except Exception as error:
            await self._forget(key, owner, error)
            raise
        task = asyncio.create_task(self._finish(key, owner, cls, result))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        # The command is carried out: that a caller does not wait any more must not lose its result.
        await asyncio.shield(task)
        return result

    async def before_application_shutdown(self) -> None:
        """Let no result be lost."""
        if self._finishing:
            await asyncio.wait(self._finishing)

    async def _finish(self, key: str, owner: str, command: type[Any], result: Any) -> None:
        if not await self._store.finish(key, owner, _encode(command, result), self.keep_seconds):
            self._logger.warn(
                "%s took longer than its claim of %d s, and its key was claimed again: raise claim_seconds",
                command.__name__,
                self.claim_seconds,
            )

    async def _forget(self, key: str, owner: str, error: Exception) -> None:
        try:
            await self._store.forget(key, owner)
        except Exception as other:  # noqa: BLE001 told by the error that the caller gets
            note_failure(error, "The claim of the idempotency key stays until it expires", other)


def _key(command: type[Any], given: str) -> str:
    """Of one length whatever a client sends, and nobody else's."""
    context = current_message_context()
    owner = (context.tenant_code, context.user_id, command.__module__, command.__qualname__, given)
    return sha256(repr(owner).encode()).hexdigest()


@cache
def _result_of(command: Any) -> TypeAdapter[Any]:
    (result,) = generic_arguments(command, Command) or (Any,)
    name = f"{command.__module__}.{command.__qualname__}"
    if result is Any:
        raise HandlerSetupError(
            f"{name} has an {KEY} but does not say what its result is, so none can be kept.\n"
            "Write Command[TheResult], or Command[None]."
        )
    try:
        return TypeAdapter(result)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation) as error:
        raise HandlerSetupError(
            f"{name} has an {KEY}, but its result {result!r} cannot be kept as JSON.\n"
            "Let the handler give a dataclass, a pydantic model or plain values."
        ) from error


def _encode(command: Any, result: Any) -> str:
    try:
        kept = _result_of(command).dump_json(result, by_alias=True, round_trip=True, warnings="error")
    except PydanticSerializationError:
        # Not the error's own text, which quotes the result.
        raise IdempotencyResultError(
            f"{command.__qualname__} is carried out, but what its handler gave, a "
            f"{type(result).__qualname__}, is not the declared result: it cannot be kept, and a repetition "
            "within the claim is answered 409."
        ) from None
    return kept.decode()


def _decode(command: Any, kept: str) -> Any:
    try:
        return _result_of(command).validate_json(kept, by_alias=True, by_name=True)
    except ValidationError:
        raise IdempotencyResultError(
            f"{command.__qualname__} was carried out before, but the result that was kept is not of the type "
            "that the command declares now."
        ) from None
