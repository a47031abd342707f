"""`cqrs-nest migrations`: the schema of the read models, from their declarations to the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run_with
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.core import Container
from cqrs_nest.read_models import SqlDatabase

try:
    from cqrs_nest.read_models.migrations import Migrations
except ModuleNotFoundError as error:
    raise click.ClickException(
        f"{error.name} is not installed; install it with: pip install 'cqrs-nest[migrations]'"
    ) from None

T = TypeVar("T")

_directory = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("migrations"),
    show_default=True,
    help="Where the migrations are.",
)


@click.group()
def migrations() -> None:
    """Write and apply the migrations of an application's read models."""


@migrations.command()
@application_argument
@click.option("--message", "-m", required=True, help="What changes, in a few words.")
@_directory
@as_json
def generate(application: AsgiApplication, message: str, directory: Path, as_json: bool) -> None:
    """Write a migration from what the database has to what APPLICATION declares. Read it before you apply it.

    Tables that the application does not declare are left alone.
    """
    written = _run(application, directory, lambda migrations: migrations.generate(message))
    if as_json:
        print_json({"written": str(written) if written else None})
        return
    click.echo(f"wrote {written}" if written else "the database has what is declared; nothing to write")


@migrations.command(name="apply")
@application_argument
@click.option("--to", default="head", show_default=True, help="A revision, or head.")
@click.option("--sql", is_flag=True, help="Print the SQL in the place of running it.")
@_directory
@as_json
def apply_migrations(
    application: AsgiApplication, to: str, sql: bool, directory: Path, as_json: bool
) -> None:
    """Bring the database of APPLICATION to the newest migration."""
    if sql:
        statements = _run(application, directory, lambda migrations: migrations.sql(to))
        print_json({"sql": statements}) if as_json else click.echo(statements)
        return
    _say(_run(application, directory, lambda migrations: migrations.apply(to)), as_json)


@migrations.command()
@application_argument
@click.option("--to", default="-1", show_default=True, help="A revision, base, or how many steps.")
@_directory
@as_json
def undo(application: AsgiApplication, to: str, directory: Path, as_json: bool) -> None:
    """Take migrations of APPLICATION back."""
    _say(_run(application, directory, lambda migrations: migrations.undo(to)), as_json)


@migrations.command()
@application_argument
@_directory
@as_json
def check(application: AsgiApplication, directory: Path, as_json: bool) -> None:
    """Say whether the database of APPLICATION has all migrations, and they all that is declared."""
    problems = _run(application, directory, lambda migrations: migrations.check())
    if as_json:
        print_json({"problems": problems})
    if problems:
        raise click.ClickException("; ".join(problems))
    if not as_json:
        click.echo("the database has what is declared")


def _say(revision: str | None, as_json: bool) -> None:
    if as_json:
        print_json({"revision": revision})
        return
    click.echo(f"the database is at {revision or 'no revision'}")


def _run(application: AsgiApplication, directory: Path, work: Callable[[Migrations], Awaitable[T]]) -> T:
    async def with_migrations(container: Container) -> T:
        return await work(Migrations(container.get(SqlDatabase), directory))

    return run_with(application, with_migrations)
