"""How commands are applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Driver: TypeAlias = Literal["stream", "step-functions", "inline"]
"""`stream`: all steps at once, as the command arrives; `step-functions`: an execution for each command;
`inline`: all steps at once, in this process, when `app.drain()` says so."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """What `PipelineModule.for_root` was told."""

    driver: Driver = "stream"
