"""`cqrs-nest shell`, through a pipe and at a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cqrs_nest.cli.shell import shell
from tests.cli.command_line import COMMAND

SERVICE = "tests.cli.shell_service"
REPOSITORY = Path(__file__).parents[2]


def command(*arguments: str) -> Result:
    return CliRunner().invoke(shell, [SERVICE, *arguments])


def test_one_command_and_what_it_gives() -> None:
    result = command("--command", "adder = get(Adder); await adder.add(1, 2)")
    assert result.output == "closed\n3\n"


def test_what_a_command_gives_as_json() -> None:
    result = command(
        "--json", "-c", "{'by': caller('ann', 'acme').user_id, 'sum': await get(Adder).add(1, 2)}"
    )
    assert json.loads(result.output.removeprefix("closed\n")) == {"by": "ann", "sum": 3}


@pytest.mark.parametrize("code", ["1 / 0", "await get(Adder).add()", "1 +"])
def test_an_error_ends_the_command_and_the_application_is_closed(code: str) -> None:
    result = command("-c", code)
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError | TypeError | SyntaxError)
    assert result.output == "closed\n"


def test_json_needs_a_command() -> None:
    result = command("--json")
    assert result.exit_code == 2
    assert "--json prints what --command gives" in result.output


PIPED = """
adder = get(Adder)
total = await adder.add(1, 2)
total
for number in range(2):
    print(await adder.add(number, 10))

1 / 0
import asyncio
raise asyncio.CancelledError
"still here"
exit()
"never here"
"""


def test_what_a_pipe_brings_is_run() -> None:
    result = subprocess.run(
        [*COMMAND, "shell", SERVICE], cwd=REPOSITORY, input=PIPED, capture_output=True, text=True, check=False
    )
    assert result.stdout == "3\n10\n11\n'still here'\nclosed\n"
    assert 'File "<console>", line 1, in <module>\nZeroDivisionError: division by zero\n' in result.stderr
    assert "async_console" not in result.stderr
    assert result.returncode == 1


def test_a_terminal_has_a_prompt_and_ctrl_c_interrupts_what_is_awaited() -> None:
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [*COMMAND, "shell", SERVICE],
        cwd=REPOSITORY,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # So that Ctrl-C reaches the program, the terminal is its own.
        preexec_fn=lambda: _take_terminal(theirs),
    )
    os.close(theirs)
    try:
        printed = _read_until(ours, ">>> ")
        assert "adder (local). `await` works at the prompt" in printed
        os.write(ours, b"await get(Adder).add(2, 3)\n")
        assert "5\r\n>>> " in _read_until(ours, "5\r\n>>> ")
        os.write(ours, b"import asyncio; print('wai' + 'ting'); await asyncio.Event().wait()\n")
        _read_until(ours, "waiting\r\n")
        os.write(ours, b"\x03")
        assert "CancelledError: interrupted" in _read_until(ours, ">>> ")
        os.write(ours, b"\x04")
        _read_until(ours, "closed")
        assert program.wait(40) == 0
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        os.close(ours)


def _take_terminal(descriptor: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


def _read_until(terminal: int, text: str) -> str:
    printed = ""
    while text not in printed:
        try:
            read = os.read(terminal, 1024)
        except OSError:  # the other side is closed
            read = b""
        assert read, f"ended before {text!r}:\n{printed}"
        printed += read.decode(errors="replace")
    return printed
