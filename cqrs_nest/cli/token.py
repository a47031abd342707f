"""`cqrs-nest token`: a signed token for calling a local service."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import click

from cqrs_nest.cli.durations import DurationType
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.config import AppName, Environment, InvalidEnvironmentError
from cqrs_nest.context.development_keys import DevelopmentKeyRefusedError, sign_development_token


class _LocalEnvironment(Environment):
    """The settings of a service on this machine, which need not be given to call it."""

    node_env: Literal["local", "dev", "stg", "prod"] = "local"
    app_name: AppName = "development"


@click.command()
@click.option("--user", required=True, help="The user's id (the claim sub).")
@click.option("--tenant", help="The user's tenant; without one, roles hold in every tenant.")
@click.option("--role", "roles", multiple=True, help="A role in the tenant; may be given several times.")
@click.option("--lifetime", type=DurationType(), default="12h", show_default=True, help="30m, 12h, 7d ...")
@as_json
def token(user: str, tenant: str | None, roles: tuple[str, ...], lifetime: timedelta, as_json: bool) -> None:
    """Print a token that a service run from this directory with NODE_ENV=local accepts.

    Use it as: curl -H "Authorization: Bearer $(cqrs-nest token --user me --tenant acme)" ...
    """
    try:
        environment = _LocalEnvironment.load()
        signed = sign_development_token(environment, user=user, tenant=tenant, roles=roles, lifetime=lifetime)
    except (InvalidEnvironmentError, DevelopmentKeyRefusedError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json({"token": signed})
    else:
        click.echo(signed)
