"""`cqrs-nest migrations`: the schema of the read models, from their declarations to the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run_with
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
def generate(application: AsgiApplication, message: str, directory: Path) -> None:
    """Write a migration from what the database has to what APPLICATION declares. Read it before you apply it.

    Tables that the application does not declare are left alone.
    """
    written = _run(application, directory, lambda migrations: migrations.generate(message))
    click.echo(f"wrote {written}" if written else "the database has what is declared; nothing to write")


@migrations.command(name="apply")
@application_argument
@click.option("--to", default="head", show_default=True, help="A revision, or head.")
@click.option("--sql", is_flag=True, help="Print the SQL in the place of running it.")
@_directory
def apply_migrations(application: AsgiApplication, to: str, sql: bool, directory: Path) -> None:
    """Bring the database of APPLICATION to the newest migration."""
    if sql:
        click.echo(_run(application, directory, lambda migrations: migrations.sql(to)))
        return
    revision = _run(application, directory, lambda migrations: migrations.apply(to))
    click.echo(f"the database is at {revision or 'no revision'}")


@migrations.command()
@application_argument
@click.option("--to", default="-1", show_default=True, help="A revision, base, or how many steps.")
@_directory
def undo(application: AsgiApplication, to: str, directory: Path) -> None:
    """Take migrations of APPLICATION back."""
    revision = _run(application, directory, lambda migrations: migrations.undo(to))
    click.echo(f"the database is at {revision or 'no revision'}")


@migrations.command()
@application_argument
@_directory
def check(application: AsgiApplication, directory: Path) -> None:
    """Say whether the database of APPLICATION has all migrations, and they all that is declared."""
    problems = _run(application, directory, lambda migrations: migrations.check())
    if problems:
        raise click.ClickException("; ".join(problems))
    click.echo("the database has what is declared")


def _run(application: AsgiApplication, directory: Path, work: Callable[[Migrations], Awaitable[T]]) -> T:
    async def with_migrations(container: Container) -> T:
        return await work(Migrations(container.get(SqlDatabase), directory))

    return run_with(application, with_migrations)
