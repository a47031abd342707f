"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
"""Decorates a command whose parameter `as_json` says who reads its output."""


def json_text(value: Any) -> str:
    """A value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json_text(value))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their headings, aligned; no cell is cut, so that the lines can be searched."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        aligned = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(aligned).rstrip())
