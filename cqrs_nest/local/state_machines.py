"""State machines of the embedded account, which moto's interpreter executes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A state machine whose tasks invoke the application.

    `definition` is its text in Amazon States Language; `${LambdaFunctionArn}` stands for the function.
    """

    name: str
    definition: str


@contextmanager
def executing_state_machines() -> Generator[None]:
    """Let the emulator of this process execute what is started, instead of only noting it."""
    from moto.core.config import default_user_config

    before = default_user_config.get("stepfunctions", {})
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    # It prints its whole state for each task that fails, which the function has logged.
    interpreter = logging.getLogger("moto.stepfunctions.parser")
    level = interpreter.level
    interpreter.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        interpreter.setLevel(level)
        default_user_config["stepfunctions"] = before


class Executions:
    """The executions of the embedded account, for those who wait until everything is worked off."""

    name = "executions of state machines"

    def __init__(self, account: str, region: str) -> None:
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        self._backend = stepfunctions_parser_backends[account][region]

    @property
    def is_caught_up(self) -> bool:
        """None is running."""
        machines: list[Any] = self._backend.state_machines
        return not any(
            execution.status == "RUNNING" for machine in machines for execution in machine.executions
        )

    async def caught_up(self) -> None:
        """Return as soon as none is running."""
        while not self.is_caught_up:  # noqa: ASYNC110 moto tells nobody of an end
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
