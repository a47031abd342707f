"""`cqrs-nest graph`: the modules of an application and what they import."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import application_argument, run_assembled
from cqrs_nest.cli.graph_svg import draw_modules
from cqrs_nest.cli.output import as_json, print_json


@click.command()
@application_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "mermaid", "svg"]),
    default="tree",
    show_default=True,
    help="A tree with all providers, or a diagram of the modules.",
)
@click.option("--output", type=click.Path(path_type=Path), help="The file to write.")
@as_json
def graph(
    application: AsgiApplication,
    form: Literal["tree", "mermaid", "svg"],
    output: Path | None,
    as_json: bool,
) -> None:
    """Show the modules of APPLICATION; in the tree, `*` marks what a module exports."""
    found = run_assembled(application, lambda assembled: assembled.graph())
    if as_json:
        print_json(asdict(found)["modules"])
        return
    match form:
        case "tree":
            text = found.tree()
        case "mermaid":
            text = found.mermaid()
        case "svg":
            text = draw_modules(found)
    if output is None:
        click.echo(text)
    else:
        output.write_text(f"{text}\n")
