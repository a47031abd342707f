"""`cqrs-nest shell`: Python with the container of an application, and `await` at the prompt."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click
from pydantic_core import to_jsonable_python

from cqrs_nest.app import AsgiApplication, NestApplication
from cqrs_nest.buses import CommandBus, EventBus, QueryBus
from cqrs_nest.cli.application import application_argument, run_started
from cqrs_nest.cli.async_console import AsyncConsole, evaluate
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.config import Environment
from cqrs_nest.context import Invoke
from cqrs_nest.core.errors import UnknownProviderError

_BUSES = {"command_bus": CommandBus, "query_bus": QueryBus, "event_bus": EventBus}

_BANNER = """{name} ({stage}). `await` works at the prompt; Ctrl-D ends it.
  get(Type), await resolve(Type)     the application's providers, by class
  command_bus, query_bus, event_bus  its buses
  caller("ann", "acme", "admin")     an Invoke: who asks, for which tenant, with which roles
  app, container                     the application, its modules"""


@click.command()
@application_argument
@click.option("-c", "--command", "code", help="Run this instead, and print what it gives.")
@as_json
def shell(application: AsgiApplication, code: str | None, as_json: bool) -> None:
    """Python with the container of APPLICATION, such as my_service.main:app, and `await` at the prompt.

    The application is started, but serves nothing. Beside a service that runs here (make run, cqrs-nest dev)
    it works on its embedded AWS. Providers are there by the names of their classes. What a pipe brings is run
    too; the exit code is 1 when something of it fails.
    """
    if as_json and code is None:
        raise click.UsageError("--json prints what --command gives")
    if code is None:
        failed = run_started(application, _interact)
        raise click.exceptions.Exit(1 if failed and not sys.stdin.isatty() else 0)
    result = run_started(application, lambda started: evaluate(code, _names(started)))
    if as_json:
        print_json(to_jsonable_python(result, fallback=repr))
    elif result is not None:
        click.echo(repr(result))


async def _interact(started: NestApplication) -> bool:
    """Talk until the end of the input; whether something failed."""
    environment = started.get(Environment)
    banner = _BANNER.format(name=environment.app_name, stage=environment.node_env)
    console = AsyncConsole(_names(started), asyncio.get_running_loop())
    return await console.talk(banner if sys.stdin.isatty() else "")


def _names(started: NestApplication) -> dict[str, Any]:
    """What stands at the prompt."""
    providers = (binding.token for module in started.container.modules for binding in module.bindings())
    names: dict[str, Any] = {token.__name__: token for token in providers if isinstance(token, type)}
    for name, bus in _BUSES.items():
        try:
            names[name] = started.get(bus)
        except UnknownProviderError:
            continue  # an application without commands has no buses
    return {
        **names,
        "app": started,
        "container": started.container,
        "get": started.get,
        "resolve": started.resolve,
        "caller": caller,
    }


def caller(user: str, tenant: str, *roles: str) -> Invoke:
    """Who asks, as a request with a token would say it.

    >>> caller("ann", "acme", "admin").user_id
    'ann'
    """
    held = [{"tenant": tenant, "role": role} for role in roles]
    claims = {"sub": user, "custom:tenant": tenant, "custom:roles": json.dumps(held)}
    return Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {})
