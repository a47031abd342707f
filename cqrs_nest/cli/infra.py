"""`cqrs-nest infra`: what an application needs of AWS, as a template."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from cqrs_nest.app import AsgiApplication, NestApplication
from cqrs_nest.app.lambda_handler import LambdaFunction
from cqrs_nest.cli.application import ApplicationType, run_assembled
from cqrs_nest.cli.output import as_json, json_text, print_json, print_table
from cqrs_nest.infrastructure import plan_resources
from cqrs_nest.infrastructure.sam import api_routes, sam_template, yaml_text

T = TypeVar("T")

_HEADER = "# Written by `cqrs-nest infra sam {name}`: change the application and write it anew.\n"
_optional_application = click.argument("application", required=False)


@click.group()
def infra() -> None:
    """Write what an application needs of AWS.

    APPLICATION is one such as my_service.main:app; without it, the `main.py` of the only package here that
    has one. Its settings are read as `make run` reads them; what is written is for every stage.
    """


@infra.command()
@_optional_application
@click.option("--output", type=click.Path(path_type=Path), help="The file to write, such as template.yaml.")
@as_json
def sam(application: str | None, output: Path | None, as_json: bool) -> None:
    """Write a template of AWS SAM from the modules of APPLICATION."""
    name = application or _found_here()
    template = _read(name, lambda assembled: _template(name, assembled))
    text = f"{json_text(template)}\n" if as_json else _HEADER.format(name=name) + yaml_text(template)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)


@infra.command()
@_optional_application
@as_json
def permissions(application: str | None, as_json: bool) -> None:
    """List what the function of APPLICATION is permitted; names are without stage and service."""
    plan = _read(application or _found_here(), lambda assembled: plan_resources(assembled.container))
    if as_json:
        print_json([asdict(each) for each in plan.permissions])
        return
    rows = [(each.kind, each.name, ", ".join(each.actions), each.reason) for each in plan.permissions]
    print_table(["RESOURCE", "NAME", "ACTIONS", "FOR"], rows)


def _read(name: str, read: Callable[[NestApplication], T]) -> T:
    """What is read from the modules of an application; they are built, and nothing is started."""
    # The names of tables begin with the parameter Stage, whatever the stage is here.
    os.environ["NODE_ENV"] = "local"
    application: AsgiApplication = ApplicationType().convert(name, None, None)
    return run_assembled(application, read)


def _template(name: str, assembled: NestApplication) -> dict[str, Any]:
    routes = api_routes(assembled.http, assembled.container)
    return sam_template(plan_resources(assembled.container), _handler_beside(name), routes)


def _found_here() -> str:
    packages = sorted(file.parent.name for file in Path.cwd().glob("*/main.py"))
    if len(packages) != 1:
        found = ", ".join(packages) or "none"
        raise click.UsageError(
            f"Name the application, such as my_service.main:app; packages here with a main.py: {found}."
        )
    return f"{packages[0]}.main:app"


def _handler_beside(name: str) -> str:
    """The Lambda function of the module that an application is in: `my_service.main.handler`."""
    module = name.partition(":")[0]
    for attribute, value in vars(sys.modules[module]).items():
        if isinstance(value, LambdaFunction):
            return f"{module}.{attribute}"
    raise click.ClickException(
        f"{module} has no Lambda function; add handler = create_handler(root_module=..., env=...) to it"
    )
