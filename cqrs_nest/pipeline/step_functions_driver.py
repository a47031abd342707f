"""Applies commands through the state machine: each of its states is one step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_core import to_json, to_jsonable_python

from cqrs_nest.aws import StepFunctionService, error_code
from cqrs_nest.commands import get_sort_key_version
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.common.logger import Logger
from cqrs_nest.events import EventHandler
from cqrs_nest.pipeline.command_events import CommandStateEvent
from cqrs_nest.pipeline.command_steps import CommandSteps
from cqrs_nest.pipeline.errors import UnknownStateError
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.version_check import Turn

READ_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.1
RESULTS_LIMIT = 200_000
"""Bytes of all handlers' results; Step Functions takes 262,144 for the output of a state."""
_NOBODY_WAITS = ("TaskDoesNotExist", "TaskTimedOut")


@EventHandler(CommandStateEvent)
class StepFunctionsDriver:
    """Answers the states of the command state machine.

    Each state notes its start and its end on the command row and in a message. Two executions of one
    item meet over task tokens: the later stores its token and then looks whether the earlier is
    through; the earlier notes that it finishes and then looks for a token. One of them sees the other.
    """

    def __init__(self, pipeline: CommandPipeline, step_functions: StepFunctionService) -> None:
        self._pipeline = pipeline
        self._step_functions = step_functions
        self._logger = Logger("StepFunctionsDriver")

    async def execute(self, event: CommandStateEvent) -> Any:
        """Run one state; its result as JSON values."""
        steps = self._pipeline.steps_of(event.command, event.execution_id)
        state = event.state_name
        if state == "check_version":
            check, _ = await steps.check_version(in_order=False)
            if check.turn is Turn.OVER:
                return check.mismatch()
        await steps.set_status(f"{state}:STARTED")
        try:
            result = to_jsonable_python(await self._run(state, steps, event))
        except Exception as error:
            await steps.report_failure(state, error)
            raise
        await steps.set_status(f"{state}:FINISHED")
        if state == "wait_prev_command":
            await self._resume_itself(steps, event)
        return result

    async def _run(self, state: str, steps: CommandSteps, event: CommandStateEvent) -> Any:
        match state:
            case "check_version":
                return await self._check_version(steps)
            case "wait_prev_command":
                return await self._wait(steps, event)
            case "set_ttl_command":
                await steps.set_ttl()
                return {"result": "ok"}
            case "history_copy":
                await steps.copy_history()
                return {"result": "ok"}
            case "transform_data":
                names = steps.handler_names()
                return [{"prevStateName": "transform_data", "result": name} for name in names]
            case "sync_data":
                chosen: Mapping[str, Any] = event.input or {}
                return _within_limit(to_jsonable_python(await steps.run_handler(chosen.get("result"))), steps)
            case "finish":
                return await self._finish(steps)
            case _:
                raise UnknownStateError(f"step function state not found! There is no state {state!r}.")

    async def _check_version(self, steps: CommandSteps) -> dict[str, Any]:
        check, _ = await steps.check_version(in_order=False)
        if check.turn is Turn.NEVER:
            mismatch = check.mismatch()
            await steps.alarm(mismatch)
            return mismatch
        return {"result": 1 if check.turn is Turn.LATER else 0}

    async def _wait(self, steps: CommandSteps, event: CommandStateEvent) -> dict[str, Any]:
        if event.task_token is None:
            raise ValueError("wait_prev_command was called without a taskToken; it must wait for one.")
        await steps.store_task_token(event.task_token)
        return {"result": {"token": event.task_token}}

    async def _resume_itself(self, steps: CommandSteps, event: CommandStateEvent) -> None:
        """Go on at once if the command before went through while this one was about to wait."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            is_through = await self._patiently(steps, lambda: self._previous_is_through(steps))
        except (ClientError, BotoCoreError) as error:
            self._logger.error("%r: the command before it could not be read", steps, error=error)
            await steps.alarm({"self_resume_predecessor_read_failed": True, "cause": str(error)})
            return
        if is_through:
            alarm = {"self_resume_failed": True}
            await self._resume(steps, str(event.task_token), steps.version - 1, alarm)

    async def _finish(self, steps: CommandSteps) -> None:
        await steps.send_due_events()
        following = await steps.progress.state(steps.version + 1)
        token = (following or {}).get("taskToken")
        if following and token:
            sk = following["sk"]
            reason = {"push_resume_failed": True, "nextVersion": get_sort_key_version(sk), "nextSk": sk}
            await self._resume(steps, token, steps.version, reason)

    async def _resume(self, steps: CommandSteps, token: str, applied: int, alarm: dict[str, Any]) -> None:
        """Resume an execution that waits for the version `applied`; `alarm` begins a failure's report."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            await self._step_functions.resume_execution(
                token, {"result": "resumed_by_prev_version", "prevVersion": applied}
            )
        except (ClientError, BotoCoreError) as error:
            if error_code(error) in _NOBODY_WAITS:
                self._logger.debug("%r: nobody waits for version %d any more", steps, applied)
                return
            self._logger.error("%r: a waiting execution was not resumed", steps, error=error)
            await steps.alarm(alarm | {"errorName": type(error).__name__, "cause": str(error)})

    async def _previous_is_through(self, steps: CommandSteps) -> bool:
        previous = await steps.progress.state(steps.version - 1) or {}
        return previous.get("status") in ("finish:STARTED", FINISHED)

    async def _patiently(self, steps: CommandSteps, read: Callable[[], Awaitable[bool]]) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        for attempt in range(READ_ATTEMPTS - 1):
            try:
                return await read()
            except (ClientError, BotoCoreError) as error:
                self._logger.warn("%r: the command before it was not read yet: %s", steps, error)
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        return await read()


def _within_limit(result: Any, steps: CommandSteps) -> Any:
    """A handler's result, or a note in its place when all of them together would not fit an output.

    Nothing reads these results; an execution whose output is too large would fail after all was done.
    """
    size = len(to_json(result))
    if size <= RESULTS_LIMIT // len(steps.handler_names()):
        return result
    return {"result": "ok", "omittedBytes": size}
