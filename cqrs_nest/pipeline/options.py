"""How commands are applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Driver: TypeAlias = Literal["stream", "step-functions"]
"""`stream`: all steps at once, as the command arrives; `step-functions`: an execution for each command."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """What `PipelineModule.for_root` was told."""

    driver: Driver = "stream"
