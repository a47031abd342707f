"""The emulator's process, which stays alive while those that use it are killed."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from benchmarks.separate import separate


def separate_emulator(stderr: int | None = None) -> AbstractContextManager[str]:
    """The URL of emulated AWS while the block runs; `stderr` is where it writes, as for `Popen`."""
    os.environ.update({"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"})
    return separate("tests.reliability.emulator", stderr)
