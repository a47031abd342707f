"""The steps that apply a command, and the drivers that run them."""

from cqrs_nest.pipeline.command_events import CommandStateEvent, NewCommandEvent
from cqrs_nest.pipeline.errors import (
    CommandTooLargeError,
    ConcurrentChangeError,
    InvalidPipelineError,
    SyncDataHandlerNotFoundError,
    UnknownStateError,
)
from cqrs_nest.pipeline.module import PipelineModule
from cqrs_nest.pipeline.options import Driver, PipelineOptions
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.state_machine import command_state_machine
from cqrs_nest.pipeline.stream_driver import StreamDriver

__all__ = [
    "CommandPipeline",
    "CommandStateEvent",
    "CommandTooLargeError",
    "ConcurrentChangeError",
    "Driver",
    "InvalidPipelineError",
    "NewCommandEvent",
    "PipelineModule",
    "PipelineOptions",
    "StreamDriver",
    "SyncDataHandlerNotFoundError",
    "UnknownStateError",
    "command_state_machine",
]
