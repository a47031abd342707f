"""What the demo shows: stages, and under each the checks that hold or do not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Seen: TypeAlias = str | int | Mapping[str, Any] | Sequence[Any]
"""What a check shows: a text, a number, a row or several things."""


class CheckFailedError(Exception):
    """Something does not hold; what comes after it would only follow from that."""


class Report:
    """Prints stages as they go and ends them at the first check that does not hold."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._stages = 0
        self._checks = 0

    def stage(self, title: str) -> None:
        """Begin a stage."""
        self._stages += 1
        self._stage = f"{self._stages}. {title}"
        self._console.print()
        self._console.rule(f"[bold]{escape(self._stage)}", align="left", style="cyan")

    def say(self, text: str) -> None:
        """A line that is not a check."""
        self._console.print(f"  [dim]{escape(text)}[/dim]", soft_wrap=True)

    def check(self, what: str, holds: bool, *seen: Seen) -> None:
        """One thing that has to hold, and what was seen. Raises CheckFailedError when it does not."""
        self._checks += 1
        mark = "[green]✓[/green]" if holds else "[bold red]✗[/bold red]"
        row = Table.grid(padding=(0, 1))
        row.add_column(width=3, justify="right")
        row.add_column(width=17, style="bold" if holds else "bold red")
        row.add_column(overflow="fold")
        row.add_row(mark, escape(what), escape("  ".join(map(_text, seen))))
        self._console.print(row)
        if not holds:
            raise CheckFailedError(f"{self._stage}: {what} does not hold")

    def table(self, headings: list[str], rows: list[list[str]]) -> None:
        """Several things of one kind."""
        table = Table(*headings, box=None, padding=(0, 2), header_style="dim")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def conclude(self, seconds: float) -> None:
        """The last line of a demo in which everything holds."""
        time = f"[dim]({seconds:.1f} s)[/dim]"
        self._console.print(f"\n[bold green]All {self._checks} checks hold[/bold green] {time}")

    def give_up(self, error: Exception) -> None:
        """The last line of any other."""
        self._console.print(f"\n[bold red]{escape(str(error))}[/bold red]")


def pick(row: Mapping[str, Any] | None, *names: str) -> dict[str, Any]:
    """The named properties of a row, those it has."""
    return {name: row[name] for name in names if name in row} if row else {}


def _text(seen: Seen) -> str:
    """A row as names and values, everything else as JSON.

    >>> _text({"version": 1, "tags": ["a"]})
    'version 1 · tags ["a"]'
    """
    if isinstance(seen, str):
        return seen
    if isinstance(seen, Mapping):
        return " · ".join(
            f"{name} {value if isinstance(value, str) else json.dumps(value, default=str)}"
            for name, value in seen.items()
        )
    return json.dumps(seen, ensure_ascii=False, default=str)
