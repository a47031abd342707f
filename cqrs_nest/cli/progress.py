"""A progress bar on standard error, for those who look at it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

Advance: TypeAlias = Callable[[int], None]


@contextmanager
def progress_bar(what: str, total: int, *, shown: bool = True) -> Generator[Advance]:
    """Give the function that moves the bar on; without a terminal there is no bar. `total` may be a guess."""
    if not shown or not sys.stderr.isatty():
        yield lambda count: None
        return
    # Imported here, as most commands show no bar.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total or None)
        yield lambda count: progress.advance(task, count)
