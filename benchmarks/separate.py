"""AWS, or what stands for it, in a process of its own, whose CPU is not that of who calls it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def separate(module: str, stderr: int | None = None) -> Iterator[str]:
    """The URL that a module prints when it is run, while the block runs; it ends with its standard input.

    `stderr` is where it writes, as for `Popen`.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
