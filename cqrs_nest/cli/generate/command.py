"""The command `cqrs-nest generate`."""

from __future__ import annotations

from pathlib import Path

import click

from cqrs_nest.cli.generate.feature import Feature
from cqrs_nest.cli.generate.names import Name
from cqrs_nest.cli.generate.pieces import PIECES, generate_module, prepare_tests
from cqrs_nest.cli.generate.project import Project
from cqrs_nest.cli.generate.workspace import Change, difference
from cqrs_nest.cli.output import as_json, print_json

MODULE = "module"


class NameType(click.ParamType[Name]):
    """A name in any style."""

    name = "name"

    def convert(self, value: str | Name, param: click.Parameter | None, ctx: click.Context | None) -> Name:
        if isinstance(value, Name):
            return value
        try:
            return Name.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("kind", type=click.Choice(sorted([MODULE, *PIECES])))
@click.argument("name", type=NameType())
@click.option(
    "--module", type=NameType(), help="The module that it joins; for a module, the one that imports it."
)
@click.option("--no-route", is_flag=True, help="Add no route to the controller for a command or a query.")
@click.option("--dry-run", is_flag=True, help="Show the changes and write nothing.")
@as_json
def generate(
    kind: str, name: Name, module: Name | None, no_route: bool, dry_run: bool, as_json: bool
) -> None:
    """Add KIND called NAME to the project of this directory, with a test, wired into its module.

    NAME may be written as order-item, OrderItem or order_item. `resource` is all that it takes to keep one
    kind of item: a module, an entity, commands, queries, a projection and a controller. Files that are there
    stay as they are, so that nothing happens when it is done twice.
    """
    name = name.without_suffix(Name((kind,)))
    project = Project.find(Path.cwd())
    if kind == MODULE:
        generate_module(project, name, module)
    else:
        if kind == "resource" and module is None and name.snake not in project.features:
            generate_module(project, name, None)
        # A resource has a module of its own, in whatever directory it is generated.
        chosen = name if kind == "resource" and module is None else module
        feature = Feature(project, project.feature(chosen, name), is_routed=not no_route)
        prepare_tests(feature)
        PIECES[kind](feature, name)
    changes = project.workspace.changes()
    if not dry_run:
        project.workspace.save()
    _report(changes, dry_run, as_json)


def _report(changes: list[Change], dry_run: bool, as_json: bool) -> None:
    """Say what was, or would be, created and changed."""
    if as_json:
        paths: dict[str, list[str]] = {"create": [], "change": [], "keep": []}
        for change in changes:
            paths[change.kind].append(change.path.as_posix())
        print_json({**paths, "difference": difference(changes)} if dry_run else paths)
    elif all(change.kind == "keep" for change in changes):
        click.echo("everything is there already")
    elif dry_run:
        click.echo(difference(changes), nl=False)
    else:
        for change in changes:
            if change.kind != "keep":
                click.echo(f"{change.kind}  {change.path.as_posix()}")
        click.echo(
            "\nA service that runs takes it up when it is started anew; `cqrs-nest dev` does that by itself."
        )
