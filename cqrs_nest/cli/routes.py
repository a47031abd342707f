"""`cqrs-nest routes`: what an application answers, and who may ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from cqrs_nest.app import AsgiApplication, NestApplication
from cqrs_nest.cli.application import application_argument, run_assembled
from cqrs_nest.cli.output import as_json, print_json, print_table
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.http.routes import RouteDefinition, route_guards


@dataclass(frozen=True, slots=True)
class RouteLine:
    """One route, as `--json` prints it."""

    method: str
    path: str
    versions: tuple[str, ...]
    handler: str
    module: str
    guards: tuple[str, ...]


@click.command()
@application_argument
@as_json
def routes(application: AsgiApplication, as_json: bool) -> None:
    """List the routes of APPLICATION in the order in which they are looked at, with their guards."""
    lines = run_assembled(application, _lines)
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    print_table(
        ["METHOD", "PATH", "HANDLER", "MODULE", "GUARDS"],
        [
            (line.method, _versioned(line), line.handler, line.module, ", ".join(line.guards) or "-")
            for line in lines
        ],
    )


def _lines(application: NestApplication) -> list[RouteLine]:
    return [_line(route, application) for route in application.http.routes]


def _line(route: RouteDefinition, application: NestApplication) -> RouteLine:
    guards = route_guards(route, application.http.options, application.container)
    names = (describe_token(each if isinstance(each, type) else type(each)) for each in guards)
    module = route.binding.module.name
    return RouteLine(route.method, route.path, route.versions, str(route), module, tuple(names))


def _versioned(line: RouteLine) -> str:
    return f"{line.path} (version {', '.join(line.versions)})" if line.versions else line.path
