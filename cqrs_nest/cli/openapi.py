"""`cqrs-nest openapi`: the OpenAPI document of an application as a file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run_assembled
from cqrs_nest.cli.output import as_json, print_json


@click.command()
@application_argument
@click.option("--output", type=click.Path(path_type=Path), help="The file to write.")
@as_json
def openapi(application: AsgiApplication, output: Path | None, as_json: bool) -> None:
    """Write the OpenAPI document of APPLICATION, such as my_service.main:app.

    The environment is read as the service reads it, as of the stage `local` where it names none; nothing is
    started. The document is JSON, so --json only says which file was written.
    """
    document = run_assembled(application, lambda assembled: assembled.http.openapi())
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(f"{text}\n")
        if as_json:
            print_json({"output": str(output)})
