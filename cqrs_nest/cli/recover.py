"""`cqrs-nest recover`: carries on commands that stand still."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from cqrs_nest.app import AsgiApplication, NestApplication
from cqrs_nest.cli.application import application_argument, run_started
from cqrs_nest.cli.durations import DurationType
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.cli.progress import progress_bar
from cqrs_nest.pipeline import CommandRecovery, RecoveryPart, RecoveryResult


@click.command()
@application_argument
@click.option("--older-than", type=DurationType(), default="15m", show_default=True, help="30s, 15m, 2h ...")
@click.option("--table", "tables", multiple=True, help="Only this table, as registered; may be repeated.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that keeps what is done: with the same file an interrupted recovery goes on.",
)
@as_json
def recover(
    application: AsgiApplication,
    older_than: timedelta,
    tables: tuple[str, ...],
    checkpoint: Path | None,
    as_json: bool,
) -> None:
    """Carry on the commands of APPLICATION whose status stands still.

    Safe beside live traffic, and to repeat. The exit code is 1 when a command could not be carried on.
    """
    result = run_started(
        application, lambda started: _recover(started, older_than, tables, checkpoint, not as_json)
    )
    if as_json:
        print_json(_document(result))
    else:
        for failed in result.failed:
            click.echo(f"{failed.table} {failed.pk} {failed.sk}: {_reason(failed.error)}", err=True)
        click.echo(
            f"looked at {result.scanned} rows: {result.stalled} commands stood still, "
            f"{len(result.applied)} were carried on, {len(result.failed)} failed"
        )
    if result.failed:
        raise click.exceptions.Exit(1)


async def _recover(
    application: NestApplication,
    older_than: timedelta,
    tables: tuple[str, ...],
    checkpoint: Path | None,
    bar: bool,
) -> RecoveryResult:
    recovery = application.get(CommandRecovery)
    try:
        parts, rows = await recovery.parts(tables)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    result = RecoveryResult()
    open_parts = _read(checkpoint, parts)
    with progress_bar("commands", rows, shown=bar) as advance:
        while open_parts:
            part = open_parts[0]
            found = await recovery.recover(part, older_than)
            result.add(found)
            advance(found.scanned)
            open_parts.pop(0)
            _write(checkpoint, open_parts)
    return result


def _read(checkpoint: Path | None, parts: list[RecoveryPart]) -> list[RecoveryPart]:
    """The parts that are still to be done: all, unless a file says which."""
    if checkpoint is None or not checkpoint.exists():
        return parts
    try:
        return [RecoveryPart(**part) for part in json.loads(checkpoint.read_text())["open"]]
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{checkpoint} is no checkpoint of a recovery: {error}") from error


def _write(checkpoint: Path | None, open_parts: list[RecoveryPart]) -> None:
    if checkpoint is None:
        return
    if not open_parts:
        checkpoint.unlink(missing_ok=True)
        return
    # In one move: an interruption leaves the old state or the new one.
    draft = checkpoint.with_name(f"{checkpoint.name}.new")
    draft.write_text(json.dumps({"open": [asdict(part) for part in open_parts]}))
    draft.replace(checkpoint)


def _document(result: RecoveryResult) -> dict[str, Any]:
    return {
        "scanned": result.scanned,
        "stalled": result.stalled,
        "applied": [asdict(command) for command in result.applied],
        "failed": [
            {"table": failed.table, "pk": failed.pk, "sk": failed.sk, "error": _reason(failed.error)}
            for failed in result.failed
        ],
    }


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
