"""`cqrs-nest infra`: what an application needs of AWS, as a template."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.app.lambda_handler import LambdaFunction
from cqrs_nest.cli.application import ApplicationType, run
from cqrs_nest.cli.output import as_json, print_json
from cqrs_nest.infrastructure import plan_resources
from cqrs_nest.infrastructure.sam import api_routes, sam_template, yaml_text

_HEADER = "# Written by `cqrs-nest infra sam {name}`: change the application and write it anew.\n"


@click.group()
def infra() -> None:
    """Write what an application needs of AWS as a template."""


@infra.command()
@click.argument("application", required=False)
@click.option("--output", type=click.Path(path_type=Path), help="The file to write, such as template.yaml.")
@as_json
def sam(application: str | None, output: Path | None, as_json: bool) -> None:
    """Write a template of AWS SAM from the modules of APPLICATION, such as my_service.main:app.

    Without APPLICATION, the `main.py` of the only package here that has one. Settings are read as `make run`
    reads them; the template is for every stage, by its parameter Stage.
    """
    name = application or _found_here()
    template = _template(name)
    if as_json:
        print_json(template)
        return
    text = _HEADER.format(name=name) + yaml_text(template)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)


def _template(name: str) -> dict[str, Any]:
    # The names of tables begin with the parameter Stage, whatever the stage is here.
    os.environ["NODE_ENV"] = "local"
    application: AsgiApplication = ApplicationType().convert(name, None, None)
    handler = _handler_beside(name)

    async def template() -> dict[str, Any]:
        assembled = await application.assembled()
        try:
            routes = api_routes(assembled.http, assembled.container)
            return sam_template(plan_resources(assembled.container), handler, routes)
        finally:
            await assembled.container.close()

    return run(template())


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
