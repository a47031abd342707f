"""A note in the working directory about the run that goes on there, for the tools that look into it."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ValidationError

NOTE = Path(".cqrs_nest/running.json")


class Running(BaseModel):
    """A run: its process, where it answers, and the variables by which its account is found."""

    pid: int
    url: str
    variables: dict[str, str]


@contextmanager
def announce(url: str, variables: Mapping[str, str]) -> Generator[None]:
    """Leave the note until the block ends."""
    NOTE.parent.mkdir(exist_ok=True)
    running = Running(pid=os.getpid(), url=url, variables=dict(variables))
    NOTE.write_text(running.model_dump_json(indent=2))
    try:
        yield
    finally:
        NOTE.unlink(missing_ok=True)


def find_running() -> Running | None:
    """The run in the working directory; None when there is none, or its process is gone."""
    try:
        running = Running.model_validate_json(NOTE.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return running if _is_alive(running.pid) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Another user's process, which runs.
    return True
