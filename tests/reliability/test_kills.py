"""A part of the kill test; `make kills` runs all of it."""

from __future__ import annotations

import subprocess
import sys


def test_a_consumer_that_is_killed_applies_every_command_once_to_each_projection() -> None:
    # In processes of its own: one of them forks.
    command = [sys.executable, "-m", "tests.reliability.kill_test", "60", "6", "8"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr[-3000:]}"
    assert "8 kills" in result.stdout
