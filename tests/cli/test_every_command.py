"""What holds for every command: its line in the help, --json, --debug, one line of error, the Tab key."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cqrs_nest.cli.main import COMMANDS, commands
from tests.cli.command_line import COMMAND, run

CONTEXT = click.Context(commands)


def every_command(
    group: click.Group = commands, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """All commands that do something, by what is typed for them."""
    for name in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_every_command_takes_json_and_debug() -> None:
    for name, command in every_command():
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--debug" in options, name
        assert "--json" in options, name


def test_the_help_is_there_before_anything_is_imported() -> None:
    script = (
        "import sys; from cqrs_nest.cli.main import commands\n"
        "commands.main(['--help'], standalone_mode=False)\n"
        "heavy = ('cqrs_nest.', 'pydantic', 'boto3', 'libcst', 'rich', 'asyncio')\n"
        "print([name for name in sys.modules if name.startswith(heavy)], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert result.stderr == "['cqrs_nest.cli', 'cqrs_nest.cli.main']\n"


BROKEN = "from cqrs_nest.common import Module\n1 / 0\n"


def test_an_error_that_nobody_has_foreseen_is_one_line_and_has_a_stack_on_demand(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    short = run(tmp_path, "routes", "broken")
    long = run(tmp_path, "routes", "broken", "--debug")

    assert (short.returncode, long.returncode) == (1, 1)
    assert (
        short.stderr == "cqrs-nest: ZeroDivisionError: division by zero (the same with --debug shows where)\n"
    )
    assert f'File "{tmp_path / "broken.py"}", line 2' in long.stderr


def test_an_error_that_is_told_has_a_stack_on_demand(tmp_path: Path) -> None:
    result = run(tmp_path, "--debug", "routes", "nowhere")

    assert result.returncode == 2
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("No module named 'nowhere' (see cqrs-nest routes --help)\n")


def completed(words: str, number: int, directory: Path = Path()) -> str:
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(number), "_CQRS_NEST_COMPLETE": "bash_complete"}
    return subprocess.run(
        COMMAND,
        cwd=directory,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_tab_key_completes_commands_options_and_choices() -> None:
    assert completed("cqrs-nest ta", 1) == "plain,tables\nplain,tail\n"
    assert "plain,--lifetime" in completed("cqrs-nest token --", 2)
    assert "plain,controller" in completed("cqrs-nest generate c", 2)


def test_the_tab_key_completes_the_application(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "main.py").touch()
    assert completed("cqrs-nest routes s", 2, tmp_path) == "plain,shop.main:app\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_the_script(shell: str) -> None:
    result = CliRunner().invoke(commands, ["completion", shell, "--json"])
    script = json.loads(result.stdout)["script"]

    assert "_CQRS_NEST_COMPLETE" in script
    assert CliRunner().invoke(commands, ["completion", shell]).stdout == f"{script}\n"
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
