"""`PipelineModule`: applies the commands of all registered tables."""

from __future__ import annotations

from typing import Any

from cqrs_nest.aws import AwsModule
from cqrs_nest.commands import CommandTablesModule
from cqrs_nest.common.modules import DynamicModule, Module
from cqrs_nest.common.providers import provide
from cqrs_nest.events import EventHandler, EventModule
from cqrs_nest.pipeline.broken_rows import BrokenCommandHandler
from cqrs_nest.pipeline.command_events import NewCommandEvent
from cqrs_nest.pipeline.event_factory import CommandEventFactory
from cqrs_nest.pipeline.executions import CommandExecutions
from cqrs_nest.pipeline.failures import FailedCommands
from cqrs_nest.pipeline.inline_driver import InlineDriver
from cqrs_nest.pipeline.options import Driver, PipelineOptions
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.recovery import CommandRecovery
from cqrs_nest.pipeline.redrive import DeadLetterRedrive
from cqrs_nest.pipeline.scheduled_recovery import RecoverySchedule, ScheduledRecovery
from cqrs_nest.pipeline.step_functions_driver import StepFunctionsDriver
from cqrs_nest.pipeline.stream_driver import StreamDriver
from cqrs_nest.pipeline.sync_commands import SyncCommandHandler


@EventHandler(NewCommandEvent)
class NewCommandHandler:
    """Hands new commands to the driver that the application chose."""

    def __init__(
        self,
        stream: StreamDriver,
        executions: CommandExecutions,
        options: PipelineOptions = PipelineOptions(),
    ) -> None:
        self._stream = stream
        self._executions = executions
        self._driver = options.driver

    async def execute(self, event: NewCommandEvent) -> Any:
        """Apply the command, or start its execution."""
        if self._driver == "step-functions":
            return await self._executions.start(event)
        return await self._stream.apply_event(event)


@Module(is_global=True)
class PipelineOptionsModule:
    """Carries the options to `PipelineModule`, wherever they are given."""


@Module(
    imports=[AwsModule, CommandTablesModule, EventModule],
    providers=[
        CommandPipeline,
        FailedCommands,
        StreamDriver,
        CommandExecutions,
        NewCommandHandler,
        SyncCommandHandler,
        BrokenCommandHandler,
        StepFunctionsDriver,
        CommandEventFactory,
        CommandRecovery,
        DeadLetterRedrive,
        RecoverySchedule,
        ScheduledRecovery,
        InlineDriver,
    ],
    exports=[CommandPipeline, StreamDriver, CommandRecovery, DeadLetterRedrive, InlineDriver],
)
class PipelineModule:
    """Part of every application. Import `PipelineModule.for_root(...)` to choose the driver.

    The states of executions that run already are answered whatever the driver is.
    """

    @staticmethod
    def for_root(*, driver: Driver = "stream") -> DynamicModule:
        """Choose how commands are applied.

        `stream`: by the function that gets the command tables' streams, all steps at once.
        `step-functions`: by the state machine of `SFN_COMMAND_ARN`, one execution for each command.
        `inline`: in this process, when a test awaits `app.drain()`.
        """
        return DynamicModule(
            module=PipelineOptionsModule,
            providers=[provide(PipelineOptions, use_value=PipelineOptions(driver))],
            exports=[PipelineOptions],
        )
