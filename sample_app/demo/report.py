"""What the demo shows: stages, and under each the checks that hold or do not."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Report:
    """Prints as it goes and counts what does not hold."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stages = 0
        self.checks = 0
        self.failures = 0

    def stage(self, title: str) -> None:
        """Begin a stage."""
        self._stages += 1
        self._console.print()
        self._console.rule(f"[bold]{self._stages}. {escape(title)}", align="left", style="cyan")

    def say(self, text: str) -> None:
        """A line that is not a check."""
        self._console.print(f"  [dim]{escape(text)}[/dim]", soft_wrap=True)

    def check(self, what: str, holds: bool, seen: object) -> None:
        """One thing that has to hold, and what was seen (several things as a tuple)."""
        self.checks += 1
        self.failures += not holds
        mark = "[green]✓[/green]" if holds else "[bold red]✗[/bold red]"
        row = Table.grid(padding=(0, 1))
        row.add_column(width=3, justify="right")
        row.add_column(width=17, style="bold" if holds else "bold red")
        row.add_column(overflow="fold")
        row.add_row(mark, escape(what), escape(_text(seen)))
        self._console.print(row)

    def table(self, headings: list[str], rows: list[list[str]]) -> None:
        """Several things of one kind."""
        table = Table(*headings, box=None, padding=(0, 2), header_style="dim")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def conclude(self, seconds: float) -> int:
        """The last line, and the exit code that goes with it."""
        self._console.print()
        if self.failures:
            self._console.print(f"[bold red]{self.failures} of {self.checks} checks do not hold.[/bold red]")
            return 1
        self._console.print(
            f"[bold green]All {self.checks} checks hold[/bold green] [dim]({seconds:.1f} s)[/dim]"
        )
        return 0


def pick(row: Mapping[str, Any] | None, *names: str) -> dict[str, Any]:
    """The named properties of a row, those it has."""
    return {name: row[name] for name in names if name in row} if row else {}


def _text(seen: object) -> str:
    if isinstance(seen, tuple):
        parts: tuple[object, ...] = seen
        return " ".join(_text(part) for part in parts)
    return seen if isinstance(seen, str) else json.dumps(seen, ensure_ascii=False, default=str)
