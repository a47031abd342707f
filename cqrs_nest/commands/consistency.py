"""Strong consistency on request: waiting until projections have come to a version."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.commands.data_sync_handler import handler_name
from cqrs_nest.commands.keys import DetailKey, add_sort_key_version, remove_sort_key_version
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.registry import CommandTableRegistry
from cqrs_nest.commands.rows import DEAD_LETTERED, HANDLERS_DONE
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import GatewayTimeoutException, Injectable

Consistency: TypeAlias = Literal["eventual", "strong"]
"""Whether a publish returns when the command is written, or when it is applied."""
AwaitedProjections: TypeAlias = Sequence[str | type[Any]]
"""Data sync handlers, by class or by name."""

CommandT = TypeVar("CommandT", CommandModel, CommandModel | None)

TIMEOUT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.2
_STATE = ("status", HANDLERS_DONE, DEAD_LETTERED)


class Waiting(TypedDict, total=False):
    """How a publish waits: `consistency` is "eventual" unless given, `timeout` 5 seconds."""

    consistency: Consistency
    projections: AwaitedProjections | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Awaited:
    """The names of projections, and for how many seconds they are waited for."""

    projections: frozenset[str]
    within: float


class NotAppliedException(GatewayTimeoutException):
    """504. The command is written and will be applied, but was not in the time that was given for it.

    Publishing it again would be a conflict; `key` and `version` say what to wait for.
    """

    def __init__(self, key: DetailKey, version: int, why: str) -> None:
        super().__init__(f"The command was accepted, but {why}.")
        self.key = key
        self.version = version


@Injectable()
class InlineApplication:
    """Applies what is pending in this process; set by the pipeline when its driver is `inline`."""

    def __init__(self) -> None:
        self.apply_pending: Callable[[], Awaitable[object]] | None = None


@Injectable()
class ProjectionWaiter:
    """Looks at the commands of one table until projections have taken them over."""

    def __init__(
        self,
        table: CommandTable,
        dynamodb: DynamoDbService,
        registry: CommandTableRegistry,
        inline: InlineApplication,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._registry = registry
        self._inline = inline

    def awaited(
        self,
        consistency: Consistency = "eventual",
        projections: AwaitedProjections | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> Awaited | None:
        """What a publish has to wait for; None when it need not wait.

        Raises ValueError for projections without strong consistency, and for unknown ones.
        """
        if consistency == "strong":
            return Awaited(self.names(projections), timeout)
        if projections is not None:
            raise ValueError('Projections are waited for with consistency="strong" only.')
        return None

    def names(self, projections: AwaitedProjections | None) -> frozenset[str]:
        """The handlers' names; all of the table for None. Raises ValueError for one that it does not have."""
        known = [handler.name for handler in self._registry.handlers(self._table.name)]
        if projections is None:
            return frozenset(known)
        wanted = {entry if isinstance(entry, str) else handler_name(entry) for entry in projections}
        if unknown := wanted.difference(known):
            raise ValueError(
                f"The table {self._table.name!r} has no projection {', '.join(sorted(unknown))}; "
                f"it has: {', '.join(known) or 'none besides its data table'}."
            )
        return frozenset(wanted)

    async def applied(self, command: CommandT, awaited: Awaited | None) -> CommandT:
        """A published command (None: it changed nothing), once what it waits for has come."""
        if command is not None and awaited is not None:
            await self.wait(command.key, command.version, awaited)
        return command

    async def wait(self, key: DetailKey, version: int, awaited: Awaited) -> None:
        """Return when the data row and the awaited projections have come to a version.

        Raises NotAppliedException when the time is over, or when the command has gone to the dead-letter
        queue.
        """
        key = DetailKey(key.pk, remove_sort_key_version(key.sk))
        pause = _FIRST_PAUSE_SECONDS
        limit = asyncio.timeout(awaited.within)
        try:
            async with limit:
                while not await self._has_applied(key, version, awaited.projections):
                    if self._inline.apply_pending is None or not await self._inline.apply_pending():
                        await asyncio.sleep(pause)
                        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise NotAppliedException(
                key, version, f"not applied within {awaited.within:g} seconds"
            ) from error

    async def _has_applied(self, key: DetailKey, version: int, names: frozenset[str]) -> bool:
        if not names and not self._table.options.disable_default_handler:
            return await self._applied_version(key) >= version
        row_key = {"pk": key.pk, "sk": add_sort_key_version(key.sk, version)}
        state = await self._dynamodb.get_item(self._table.command, row_key, consistent_read=True, only=_STATE)
        if state is None:
            # It has expired, or is still to be published.
            return await self._applied_version(key) >= version
        if state.get("status") == FINISHED or (names and names <= set(state.get(HANDLERS_DONE, ()))):
            return True
        if DEAD_LETTERED in state:
            raise NotAppliedException(key, version, "could not be applied; operators have been told")
        return False

    async def _applied_version(self, key: DetailKey) -> int:
        data = await self._dynamodb.get_item(
            self._table.data, key.row(), consistent_read=True, only=("version",)
        )
        return (data or {}).get("version") or 0
