"""Applies what is pending in this process, when it is told to: for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cqrs_nest.commands import CommandTableRegistry, InlineApplication
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.config import Environment
from cqrs_nest.pipeline.errors import InvalidPipelineError
from cqrs_nest.pipeline.handler_runs import HandlerRun, handler_runs
from cqrs_nest.pipeline.options import PipelineOptions
from cqrs_nest.pipeline.recovery import AppliedCommand, CommandRecovery, FailedCommand


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did: false when there was nothing to do.

    `applied` are the commands that came to their end, those of one item in order; `failed` those that did
    not, each with the error. `handlers` are the runs of data sync handlers, in the order in which they ended.
    """

    applied: list[AppliedCommand] = field(default_factory=list[AppliedCommand])
    failed: list[FailedCommand] = field(default_factory=list[FailedCommand])
    handlers: list[HandlerRun] = field(default_factory=list[HandlerRun])

    def __bool__(self) -> bool:
        return bool(self.applied or self.failed)

    def raise_failures(self) -> None:
        """Raise the one error there is, or all as an ExceptionGroup."""
        errors = [command.error for command in self.failed]
        if len(errors) > 1:
            raise ExceptionGroup(f"{len(errors)} commands could not be applied", errors)
        if errors:
            raise errors[0]


class InlineDriver:
    """Looks through the command tables and applies what is due, without a stream.

    With the driver `inline` a publish with `consistency="strong"` applies it itself.
    """

    def __init__(
        self,
        recovery: CommandRecovery,
        registry: CommandTableRegistry,
        inline: InlineApplication,
        environment: Environment,
        options: PipelineOptions = PipelineOptions(),
    ) -> None:
        self._recovery = recovery
        self._registry = registry
        self._inline = inline
        self._is_inline = options.driver == "inline"
        self._is_allowed = self._is_inline or environment.node_env == "local"

    def on_module_init(self) -> None:
        """Let strong consistency not wait for a stream that nobody reads."""
        if self._is_inline:
            self._inline.apply_pending = self.drain

    async def drain(
        self, *, raise_failures: bool = True, settle: Callable[[], Awaitable[None]] | None = None
    ) -> Drained:
        """Apply every pending command, and those that come of it; what was done.

        `settle` is awaited before each look at the tables, for what else may publish. A command that fails is
        tried once. When everything else is applied, what its handler raised is raised (several errors as an
        ExceptionGroup), or with `raise_failures=False` told by the result.
        """
        if not self._is_allowed:
            raise InvalidPipelineError(
                "drain() reads whole command tables; outside of NODE_ENV=local it wants "
                'PipelineModule.for_root(driver="inline").'
            )
        drained = Drained()
        noted = handler_runs.set(drained.handlers)
        try:
            is_settled = False
            while not is_settled:
                if settle is not None:
                    await settle()
                is_settled = not await self._pass(drained)
        finally:
            handler_runs.reset(noted)
        if raise_failures:
            drained.raise_failures()
        return drained

    async def _pass(self, drained: Drained) -> bool:
        """Whether a command was applied."""
        for table in self._registry.tables:
            await table.get(PublishNotes).drain()
        parts, _ = await self._recovery.parts()
        failed = {(command.table, command.pk, command.sk) for command in drained.failed}
        results = [await self._recovery.recover(part, timedelta(0), leave_out=failed) for part in parts]
        for result in results:
            drained.applied.extend(result.applied)
            drained.failed.extend(result.failed)
        return any(result.applied for result in results)
