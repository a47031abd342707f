"""A part of the table of faults; `make reliability` prints all of it."""

from __future__ import annotations

import subprocess
import sys

SAMPLE = """
from tests.reliability.fault_table import run
kinds = ("error after", "SIGKILL before", "SIGKILL after")
outcomes = list(run(("projected",), ("async create", "sync create"), kinds))
assert len(outcomes) > 15
assert {outcome.ended for outcome in outcomes} >= {"killed", "answered"}
assert [outcome for outcome in outcomes if outcome.faults] == []
"""


def test_nothing_is_lost_or_stuck_wherever_the_process_ends() -> None:
    # In a process of its own: one that has threads already should not fork.
    result = subprocess.run([sys.executable, "-c", SAMPLE], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
