"""The `cqrs-nest` command. A subcommand's module is imported when it is called for."""

from __future__ import annotations

import importlib
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

try:
    import click
except ModuleNotFoundError:
    sys.exit("cqrs-nest: the command needs click; install it with: pip install 'cqrs-nest[cli]'")

from cqrs_nest import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "completion": ("completion:completion", "Print the script that lets SHELL complete commands."),
    "dev": ("dev:dev", "Run an application with embedded AWS until Ctrl-C."),
    "doctor": ("doctor:doctor", "Say what the settings and the account of an application lack."),
    "generate": ("generate.command:generate", "Add a part to a project, with a test, wired into its module."),
    "graph": ("graph:graph", "Show the modules of an application."),
    "history": ("history:history", "Show every version of an item."),
    "infra": ("infra:infra", "Write what an application needs of AWS as a template."),
    "migrations": ("migrations:migrations", "Write and apply the migrations of read models."),
    "new": ("new:new", "Make a project that runs at once."),
    "openapi": ("openapi:openapi", "Write the OpenAPI document of an application."),
    "projections": ("projections:projections", "List, rebuild and verify read models."),
    "recover": ("recover:recover", "Carry on commands whose status stands still."),
    "redrive": ("redrive:redrive", "Carry on what waits in a dead-letter queue."),
    "routes": ("routes:routes", "List the routes of an application, with their guards."),
    "shell": ("shell:shell", "Python with the container of an application, and `await` at the prompt."),
    "tables": ("tables:tables", "Create or check the tables of an application."),
    "tail": ("tail:tail", "Follow commands, events and projections."),
    "token": ("token:token", "Print a token for calling a local service."),
    "update": ("new:update", "Bring a project to what this version makes."),
}
"""Each command's module and name, and its line in the help, for which nothing is imported."""


class _LazyGroup(click.Group):
    """A group that knows its commands by name and imports them one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"cqrs_nest.cli.{module}"), name)
        _accept_debug(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in sorted(COMMANDS.items())])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        found = [name for name in sorted(COMMANDS) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=COMMANDS[name][1]) for name in found), *options]


_DEBUG = click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the stack of an error.")


def _accept_debug(command: click.Command) -> None:
    """Let a command and those below it take --debug, so that it can be added to a line that failed."""
    if _DEBUG not in command.params:
        command.params.append(_DEBUG)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _accept_debug(each)


@click.group(cls=_LazyGroup, no_args_is_help=False, invoke_without_command=True, params=[_DEBUG])
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Tools for services built on cqrs_nest."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line. An error is one line on stderr and an exit code other than 0."""
    is_debugged = "--debug" in sys.argv[1:]
    if not is_debugged:
        sys.excepthook = _report_unexpected
    try:
        status = commands.main(prog_name="cqrs-nest", standalone_mode=False)
    except (click.ClickException, click.Abort) as error:
        if is_debugged:
            traceback.print_exception(error)
        status = _report(error)
    sys.exit(status)


def _report(error: click.ClickException | click.Abort) -> int:
    """Print an error that is told to its user; the exit code."""
    if isinstance(error, click.Abort):
        return _print("cqrs-nest: interrupted", 130)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "cqrs-nest"
        return _print(f"{path}: {error.format_message()} (see {path} --help)", error.exit_code)
    return _print(f"cqrs-nest: {error.format_message()}", error.exit_code)


def _report_unexpected(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print what nobody has foreseen, such as an error in the application's code; Python then ends with 1."""
    _print(f"cqrs-nest: {kind.__name__}: {error} (the same with --debug shows where)", 1)


def _print(line: str, status: int) -> int:
    click.echo(" ".join(line.split()), err=True)
    return status
