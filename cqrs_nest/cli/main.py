"""The `cqrs-nest` command. A subcommand's module is imported when it is called for."""

from __future__ import annotations

import importlib
import sys

try:
    import click
except ModuleNotFoundError:
    sys.exit("cqrs-nest: the command needs click; install it with: pip install 'cqrs-nest[cli]'")

from cqrs_nest import __version__

_COMMANDS = {
    "dev": "cqrs_nest.cli.dev:dev",
    "generate": "cqrs_nest.cli.generate.command:generate",
    "graph": "cqrs_nest.cli.graph:graph",
    "history": "cqrs_nest.cli.history:history",
    "migrations": "cqrs_nest.cli.migrations:migrations",
    "new": "cqrs_nest.cli.new:new",
    "openapi": "cqrs_nest.cli.openapi:openapi",
    "projections": "cqrs_nest.cli.projections:projections",
    "recover": "cqrs_nest.cli.recover:recover",
    "redrive": "cqrs_nest.cli.redrive:redrive",
    "routes": "cqrs_nest.cli.routes:routes",
    "tables": "cqrs_nest.cli.tables:tables",
    "tail": "cqrs_nest.cli.tail:tail",
    "token": "cqrs_nest.cli.token:token",
    "update": "cqrs_nest.cli.new:update",
}


class _LazyGroup(click.Group):
    """A group that knows the names of its commands and imports them one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_LazyGroup, no_args_is_help=False, invoke_without_command=True)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Tools for services built on cqrs_nest."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line. An error is one line on stderr and an exit code other than 0."""
    try:
        status = commands.main(prog_name="cqrs-nest", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "cqrs-nest"
        status = _report(f"{path}: {error.format_message()} (see {path} --help)", error.exit_code)
    except click.ClickException as error:
        status = _report(f"cqrs-nest: {error.format_message()}", error.exit_code)
    except click.Abort:
        status = _report("cqrs-nest: interrupted", 130)
    sys.exit(status)


def _report(line: str, status: int) -> int:
    click.echo(" ".join(line.split()), err=True)
    return status
