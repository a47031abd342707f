"""`cqrs-nest tables`: the DynamoDB tables of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.openapi import ApplicationType
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.config import InvalidEnvironmentError
from cqrs_nest.core.errors import CqrsNestError


@click.group()
def tables() -> None:
    """Create or check the tables that the modules of an application need."""


@tables.command()
@click.argument("application", type=ApplicationType())
def create(application: AsgiApplication) -> None:
    """Create the tables of APPLICATION that are missing: streams, expiry and recovery included."""
    created = _run(application, CommandTables.create)
    for name in created:
        click.echo(f"created {name}")
    if not created:
        click.echo("every table is there")


@tables.command()
@click.argument("application", type=ApplicationType())
def check(application: AsgiApplication) -> None:
    """Say what is wrong with the tables of APPLICATION; nothing is changed."""
    problems = _run(application, CommandTables.check)
    if problems:
        fix = "Fix: cqrs-nest tables create makes what is missing."
        raise click.ClickException("; ".join([*problems, fix]))
    click.echo("every table is as it has to be")


def _run(application: AsgiApplication, work: Callable[[CommandTables], Awaitable[list[str]]]) -> list[str]:
    from botocore.exceptions import BotoCoreError, ClientError

    async def run() -> list[str]:
        container = await application.container()
        try:
            return await work(container.get(CommandTables))
        finally:
            await container.close()

    try:
        return asyncio.run(run())
    except (InvalidEnvironmentError, CqrsNestError, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error
