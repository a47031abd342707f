"""`cqrs-nest openapi`: the OpenAPI document of an application as a file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run


@click.command()
@application_argument
@click.option("--output", type=click.Path(path_type=Path), help="The file to write.")
def openapi(application: AsgiApplication, output: Path | None) -> None:
    """Write the OpenAPI document of APPLICATION, such as my_service.main:app.

    The environment is read as the service reads it; nothing is started.
    """
    text = json.dumps(run(application.openapi()), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(f"{text}\n")
