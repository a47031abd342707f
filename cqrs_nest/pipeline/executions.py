"""Starts one execution of the state machine for each new command."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from cqrs_nest.aws import StepFunctionService, error_code
from cqrs_nest.aws.step_functions import MAX_NAME_LENGTH
from cqrs_nest.commands import get_sort_key_version, remove_sort_key_version
from cqrs_nest.config import Environment
from cqrs_nest.pipeline.command_events import NewCommandEvent
from cqrs_nest.pipeline.errors import CommandTooLargeError, InvalidPipelineError
from cqrs_nest.pipeline.options import PipelineOptions
from cqrs_nest.pipeline.pipeline import CommandPipeline

DIGEST_LENGTH = 32
MAX_RECORD_BYTES = 128_000
"""A state hands its function the record twice, as input and as context, in at most 262,144 bytes."""
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z_-]+")


class CommandExecutions:
    """Starts executions of the command state machine."""

    def __init__(
        self,
        pipeline: CommandPipeline,
        step_functions: StepFunctionService,
        environment: Environment,
        options: PipelineOptions = PipelineOptions(),
    ) -> None:
        self._pipeline = pipeline
        self._step_functions = step_functions
        self._state_machine = environment.sfn_command_arn
        self._driver = options.driver

    def on_module_init(self) -> None:
        """Refuse to start without a state machine when commands are to run through one."""
        if self._driver == "step-functions" and not self._state_machine:
            raise InvalidPipelineError(
                'PipelineModule.for_root(driver="step-functions") has no state machine.\n'
                "  Set SFN_COMMAND_ARN in the environment to the ARN of the command state machine."
            )

    async def start(self, event: NewCommandEvent) -> dict[str, Any] | None:
        """Start the command's execution; None when a delivery before has started it.

        The execution is given the stream record, with its ARN as `source`. Raises CommandTooLargeError
        for a record that the state machine could not hand on.
        """
        table = self._pipeline.table_of(event).table
        name = execution_name(table.name, event.row)
        started_with = {**event.record, "source": event.source}
        size = len(to_json(started_with))
        if size > MAX_RECORD_BYTES:
            raise CommandTooLargeError(f"{table.command} {event.row['sk']}", size, MAX_RECORD_BYTES)
        try:
            return await self._step_functions.start_execution(str(self._state_machine), started_with, name)
        except Exception as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
            return None


def execution_name(module: str, row: Mapping[str, Any]) -> str:
    """The name of a command's execution: the same for every delivery of its stream record.

    The key makes it readable, as far as a name can hold it; the hash makes it unique, also for a command
    that was published anew after its row had expired.

    >>> execution_name("todo", {"pk": "TODO#acme", "sk": "A1@2", "createdAt": None})
    'todo-TODO-acme-A1-v2-7bd1ce4061e49490ecdfa9ce926a72f1'
    """
    pk, sk = row["pk"], row["sk"]
    identity = f"{module}\n{pk}\n{sk}\n{row.get('createdAt')}\n{row.get('requestId')}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:DIGEST_LENGTH]
    suffix = f"-v{get_sort_key_version(sk)}-{digest}"
    readable = _NOT_IN_NAMES.sub("-", f"{module}-{pk}-{remove_sort_key_version(sk)}")
    return readable[: MAX_NAME_LENGTH - len(suffix)] + suffix
