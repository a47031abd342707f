"""`cqrs-nest dev`: an application with embedded AWS, started anew when its code changes."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from pathlib import Path
from socket import socket

import click

from cqrs_nest.app import AsgiApplication
from cqrs_nest.cli.application import ApplicationType
from cqrs_nest.cli.output import as_json
from cqrs_nest.local import Queue, Schedule, run_local


class _NamedType(click.ParamType[tuple[str, str]]):
    """name=value."""

    name = "name=value"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, separator, rest = value.partition("=")
        if not (name and separator and rest):
            self.fail(f"{value!r} is not of the form name=value", param, ctx)
        return name, rest


@click.command()
@click.argument("application")
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=_NamedType(),
    help="A queue and the actions it subscribes to: orders=order-placed,order-paid.",
)
@click.option(
    "--schedule",
    "schedules",
    multiple=True,
    type=_NamedType(),
    help='A schedule: "nightly=cron(0 3 * * ? *)" or "often=rate(5 minutes)".',
)
@click.option("--reload/--no-reload", default=True, show_default=True, help="Start anew when code changes.")
@as_json
def dev(
    application: str,
    queues: tuple[tuple[str, str], ...],
    schedules: tuple[tuple[str, str], ...],
    reload: bool,
    as_json: bool,
) -> None:
    """Run APPLICATION, such as my_service.main:app, on APP_PORT with embedded AWS until Ctrl-C.

    Its streams, queues, state machines and schedules run as in AWS, in this process, with the same code.
    Queues and schedules that modules name as AwsResources need no option. What tables hold is gone at the
    end, and when code changes. With --json one line tells where it answers, with a token.
    """
    serve = partial(_serve, application, queues, schedules, as_json)
    if reload:
        _serve_and_reload(serve, application)
    else:
        serve()


def _serve(
    name: str,
    queues: tuple[tuple[str, str], ...],
    schedules: tuple[tuple[str, str], ...],
    as_json: bool,
    sockets: list[socket] | None = None,
) -> None:
    """Run the application, and end the process with its exit code. The reloader has no `sockets` for it."""
    application: AsgiApplication = ApplicationType().convert(name, None, None)
    if not isinstance(application.env, type):
        raise click.UsageError(f"{name} has finished settings; give CqrsNest.asgi(env=...) their class.")
    status = run_local(
        application.root,
        env=application.env,
        http=application.http,
        queues=[Queue(queue, actions.split(",")) for queue, actions in queues],
        schedules=[Schedule(schedule, expression) for schedule, expression in schedules],
        as_json=as_json,
    )
    sys.exit(status)


def _serve_and_reload(serve: partial[None], application: str) -> None:
    """Serve in a process of its own, which a change of the application's code ends and starts anew."""
    import uvicorn
    from uvicorn.supervisors import ChangeReload

    config = uvicorn.Config(application, reload=True, reload_dirs=[str(_directory_of(application))])
    ChangeReload(config, target=serve, sockets=[]).run()


def _directory_of(application: str) -> Path:
    """Where the code of an application lies: the directory of its outermost package."""
    sys.path.insert(0, str(Path.cwd()))
    package = application.partition(":")[0].partition(".")[0]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise click.UsageError(f"There is no module {package!r} here.")
    return Path(found.origin).parent
