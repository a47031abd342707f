"""`cqrs-nest openapi`: the OpenAPI document of an application as a file."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.config import InvalidEnvironmentError
from cqrs_nest.core.errors import CqrsNestError


class ApplicationType(click.ParamType[AsgiApplication]):
    """An application as uvicorn takes it: module:name."""

    name = "module:app"

    def convert(
        self, value: str | AsgiApplication, param: click.Parameter | None, ctx: click.Context | None
    ) -> AsgiApplication:
        if isinstance(value, AsgiApplication):
            return value
        module, _, name = value.partition(":")
        sys.path.insert(0, str(Path.cwd()))
        try:
            application: object = getattr(importlib.import_module(module), name or "app")
        except (ImportError, AttributeError) as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if not isinstance(application, AsgiApplication):
            self.fail(f"{value!r} is no application; write app = CqrsNest.asgi(...)", param, ctx)
        return application


@click.command()
@click.argument("application", type=ApplicationType())
@click.option("--output", type=click.Path(path_type=Path), help="The file to write.")
def openapi(application: AsgiApplication, output: Path | None) -> None:
    """Write the OpenAPI document of APPLICATION, such as my_service.main:app.

    The environment is read as the service reads it; nothing is started.
    """
    try:
        document = asyncio.run(application.openapi())
    except (InvalidEnvironmentError, CqrsNestError) as error:
        raise click.ClickException(str(error)) from error
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(f"{text}\n")
