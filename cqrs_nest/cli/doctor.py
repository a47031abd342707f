"""`cqrs-nest doctor`: what an application needs, against what its settings and its account have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.app.factory import assemble
from cqrs_nest.aws import AwsSession
from cqrs_nest.cli.application import application_argument, join_local_run, run_with
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.config import InvalidEnvironmentError
from cqrs_nest.core import Container
from cqrs_nest.http import HttpOptions
from cqrs_nest.infrastructure.account_check import check_account
from cqrs_nest.infrastructure.findings import Finding
from cqrs_nest.infrastructure.plan import plan_resources
from cqrs_nest.read_models import SqlDatabase


@click.command()
@application_argument
@click.option("--role", help="The ARN of the service's role, whose permissions IAM is asked about.")
@as_json
def doctor(application: AsgiApplication, role: str | None, as_json: bool) -> None:
    """Say what APPLICATION lacks: settings, tables, topics, subscriptions, queues, permissions.

    Each finding comes with its fix, and nothing is changed. Beside a service that runs here it looks into its
    embedded AWS, otherwise into the account that the settings say. The exit code is 1 if anything is found.
    """
    findings = _findings(application, role)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{finding.area}: {finding.subject}: {finding.problem}\n  fix: {finding.fix}")
        click.echo(_counted(len(findings)))
    raise click.exceptions.Exit(1 if findings else 0)


def _counted(findings: int) -> str:
    return f"{findings} finding{'' if findings == 1 else 's'}" if findings else "everything is there"


def _findings(application: AsgiApplication, role: str | None) -> list[Finding]:
    join_local_run()

    async def look(container: Container) -> list[Finding]:
        _check_declarations(container, application.http)
        plan = plan_resources(container)
        return await check_account(plan, container.get(AwsSession), container.get(CommandTables), role=role)

    try:
        return run_with(application, look)
    except click.ClickException as error:
        return list(_before_the_account(error))


def _check_declarations(container: Container, http: HttpOptions | None) -> None:
    """What a function in Lambda would find at the first use only. Raises CqrsNestError."""
    assemble(container, http)  # with the validators of all routes
    for database in container.get_all(SqlDatabase):
        _ = database.metadata


def _before_the_account(error: click.ClickException) -> Iterator[Finding]:
    """What keeps the application from being built, so that its account cannot be looked at."""
    cause = error.__cause__
    if not isinstance(cause, InvalidEnvironmentError):
        yield Finding("application", "modules", error.message, "mend it first: nothing else was looked at")
        return
    for problem in cause.problems:
        name, _, said = problem.partition(" ")
        yield Finding("settings", name.rstrip(":"), said, "set it in the environment or in .env")
