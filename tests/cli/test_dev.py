"""`cqrs-nest dev`: an application with embedded AWS in a process that changes of the code start anew."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from cqrs_nest.cli.dev import dev
from tests.cli.command_line import COMMAND

SECONDS = 60
SERVICE = """
from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Controller, Get, Module

@Controller()
class Hello:
    @Get()
    async def hello(self) -> str:
        return "one"

@Module(controllers=[Hello])
class MainModule: ...

app = CqrsNest.asgi(MainModule)
"""


def command(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    variables = {"NODE_ENV": "local", "APP_NAME": "hello", "APP_PORT": "0"}
    return subprocess.Popen(
        [*COMMAND, "dev", *arguments],
        cwd=directory,
        env={**os.environ, **variables, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def address(program: subprocess.Popen[str]) -> str:
    """Where the application answers, once it has said so."""
    assert program.stdout is not None
    for line in program.stdout:
        if found := re.search(r"answers at (\S+)", line):
            return found[1]
    raise AssertionError("it ended before it answered")


def has_members(group: int) -> bool:
    """Whether any process of a group is still there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def service(tmp_path: Path) -> Path:
    code = tmp_path / "service" / "main.py"
    code.parent.mkdir()
    (code.parent / "__init__.py").touch()
    code.write_text(SERVICE)
    return code


def test_a_change_of_the_code_starts_the_application_anew(service: Path) -> None:
    program = command(
        service.parents[1], "service.main:app", "--queue", "jobs=job", "--schedule", "a=rate(1 hour)"
    )
    try:
        with httpx.Client(trust_env=False) as client:
            assert client.get(address(program)).text == "one"
            service.write_text(SERVICE.replace("one", "two"))
            # Its time must differ too, which some file systems keep in whole seconds.
            os.utime(service, (time.time() + 2, time.time() + 2))
            assert client.get(address(program)).text == "two"
        os.killpg(program.pid, signal.SIGINT)
        assert program.wait(SECONDS) == 0
        deadline = time.monotonic() + SECONDS
        while has_members(program.pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["service.main:app", "--queue", "jobs"], "'jobs' is not of the form name=value"),
        (["service.main:nothing", "--no-reload"], "has no attribute 'nothing'"),
        (["nowhere_to_be_found.main:app"], "There is no module 'nowhere_to_be_found' here"),
    ],
)
def test_a_mistake_is_told(
    service: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(service.parents[1])
    monkeypatch.setattr(sys, "path", [*sys.path])
    result = CliRunner().invoke(dev, arguments)
    assert result.exit_code == 2
    assert said in result.output
