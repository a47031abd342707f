"""Carrying a command out again when somebody else changed the item meanwhile."""

from __future__ import annotations

from typing import Any

from cqrs_nest.buses import RetryBehaviour
from cqrs_nest.commands import VersionConflictException


class RetryOnVersionConflict(RetryBehaviour):
    """Runs a command's handler again when it lost against another writer.

    `CqrsModule.for_root(command_behaviours=[RetryOnVersionConflict(messages=(AddLine, RemoveLine))])`. It
    helps handlers that read the item themselves; a version that the client chose stays wrong however
    often it is tried, so name the commands without one.
    """

    def __init__(self, *, messages: tuple[type[Any], ...], attempts: int = 4, pause: float = 0.05) -> None:
        super().__init__(VersionConflictException, attempts=attempts, pause=pause, messages=messages)
