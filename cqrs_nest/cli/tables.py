"""`cqrs-nest tables`: the DynamoDB tables of an application."""

from __future__ import annotations

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run_with
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.commands.tables import CommandTables


@click.group()
def tables() -> None:
    """Create or check the tables that the modules of an application need."""


@tables.command()
@application_argument
@as_json
def create(application: AsgiApplication, as_json: bool) -> None:
    """Create the tables of APPLICATION that are missing: streams, expiry and recovery included."""
    created = run_with(application, lambda container: container.get(CommandTables).create())
    if as_json:
        print_json({"created": created})
        return
    for name in created:
        click.echo(f"created {name}")
    if not created:
        click.echo("every table is there")


@tables.command()
@application_argument
@as_json
def check(application: AsgiApplication, as_json: bool) -> None:
    """Say what is wrong with the tables of APPLICATION; nothing is changed."""
    problems = run_with(application, lambda container: container.get(CommandTables).check())
    if as_json:
        print_json({"problems": problems})
        raise click.exceptions.Exit(1 if problems else 0)
    if problems:
        fix = "Fix: cqrs-nest tables create makes what is missing."
        raise click.ClickException("; ".join([*problems, fix]))
    click.echo("every table is as it has to be")
