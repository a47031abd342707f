"""The steps that apply a command, and the drivers that run them."""

from cqrs_nest.pipeline.command_events import CommandStateEvent, NewCommandEvent
from cqrs_nest.pipeline.errors import (
    BrokenCommandError,
    CommandTooLargeError,
    ConcurrentChangeError,
    InvalidPipelineError,
    ParkedError,
    RecoveryFailedError,
    SyncDataHandlerNotFoundError,
    UnknownStateError,
)
from cqrs_nest.pipeline.handler_runs import HandlerRun
from cqrs_nest.pipeline.inline_driver import Drained, InlineDriver
from cqrs_nest.pipeline.module import PipelineModule
from cqrs_nest.pipeline.options import Driver, PipelineOptions
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.recovery import (
    AppliedCommand,
    CommandRecovery,
    FailedCommand,
    RecoveryPart,
    RecoveryResult,
)
from cqrs_nest.pipeline.redrive import DeadLetterRedrive, RedrivenMessage
from cqrs_nest.pipeline.scheduled_recovery import RecoverCommandsEvent
from cqrs_nest.pipeline.state_machine import command_state_machine
from cqrs_nest.pipeline.stream_driver import StreamDriver

__all__ = [
    "AppliedCommand",
    "BrokenCommandError",
    "CommandPipeline",
    "CommandRecovery",
    "CommandStateEvent",
    "CommandTooLargeError",
    "ConcurrentChangeError",
    "DeadLetterRedrive",
    "Drained",
    "Driver",
    "FailedCommand",
    "HandlerRun",
    "InlineDriver",
    "InvalidPipelineError",
    "NewCommandEvent",
    "ParkedError",
    "PipelineModule",
    "PipelineOptions",
    "RecoverCommandsEvent",
    "RecoveryFailedError",
    "RecoveryPart",
    "RecoveryResult",
    "RedrivenMessage",
    "StreamDriver",
    "SyncDataHandlerNotFoundError",
    "UnknownStateError",
    "command_state_machine",
]
