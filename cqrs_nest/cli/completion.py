"""`cqrs-nest completion`: commands, options and applications by the Tab key."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from cqrs_nest.cli.output import as_json, print_json

_SHELLS = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}


@click.command()
@click.argument("shell", type=click.Choice(sorted(_SHELLS)))
@as_json
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print the script that lets SHELL complete commands.

    \b
    bash  eval "$(cqrs-nest completion bash)"  # in ~/.bashrc
    zsh   eval "$(cqrs-nest completion zsh)"  # in ~/.zshrc, below compinit
    fish  cqrs-nest completion fish > ~/.config/fish/completions/cqrs-nest.fish
    """
    command = context.find_root().command
    script = _SHELLS[shell](command, {}, "cqrs-nest", "_CQRS_NEST_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
