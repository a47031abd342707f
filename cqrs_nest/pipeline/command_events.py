"""What the command tables' streams and the state machine tell the pipeline."""

from __future__ import annotations

from typing import Any

from cqrs_nest.events import DynamoDbStreamEvent, StepFunctionsEvent


class CommandStreamEvent(DynamoDbStreamEvent):
    """A change of a command row."""

    @property
    def row(self) -> dict[str, Any]:
        """The command row as it was stored; large attributes are a reference to S3."""
        return dict(self.new_image or {})


class NewCommandEvent(CommandStreamEvent):
    """A command was published and is to be applied."""


class SyncCommandEvent(CommandStreamEvent):
    """A command was applied as it was published; what is due after that may be missing."""


class BrokenCommandEvent(CommandStreamEvent):
    """A row came into a command table that is no command."""

    defect = "it cannot be read"
    """Why."""


class CommandStateEvent(StepFunctionsEvent):
    """The state machine of a command runs one of its states."""

    @property
    def command(self) -> NewCommandEvent:
        """The stream record that the execution was started with."""
        return NewCommandEvent(self.execution_input)
