"""Applies what is pending in this process, when it is told to: for tests."""

from __future__ import annotations

from datetime import timedelta

from cqrs_nest.commands import CommandTableRegistry, InlineApplication
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.config import Environment
from cqrs_nest.pipeline.errors import InvalidPipelineError
from cqrs_nest.pipeline.options import PipelineOptions
from cqrs_nest.pipeline.recovery import AppliedCommand, CommandRecovery


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

    async def drain(self) -> list[AppliedCommand]:
        """Apply every pending command, and those that come of it; what was applied, in order for each item.

        Raises what a handler raised (several errors as an ExceptionGroup) when everything else is applied.
        """
        if not self._is_allowed:
            raise InvalidPipelineError(
                "drain() reads whole command tables; outside of NODE_ENV=local it wants "
                'PipelineModule.for_root(driver="inline").'
            )
        applied: list[AppliedCommand] = []
        while found := await self._pass():
            applied += found
        return applied

    async def _pass(self) -> list[AppliedCommand]:
        for table in self._registry.tables:
            await table.get(PublishNotes).drain()
        parts, _ = await self._recovery.parts()
        results = [await self._recovery.recover(part, timedelta(0)) for part in parts]
        errors = [failed.error for result in results for failed in result.failed]
        if len(errors) > 1:
            raise ExceptionGroup(f"{len(errors)} commands could not be applied", errors)
        if errors:
            raise errors[0]
        return [applied for result in results for applied in result.applied]
