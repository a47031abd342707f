"""The emulator's process, which stays alive while those that use it are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def separate_emulator(stderr: int | None = None) -> Iterator[str]:
    """The URL of emulated AWS while the block runs; `stderr` is where it writes, as for `Popen`."""
    os.environ.update({"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"})
    command = [sys.executable, "-m", "tests.reliability.emulator"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
