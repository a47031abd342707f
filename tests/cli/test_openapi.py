"""`cqrs-nest openapi`, run as a user runs it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command_line import run

SERVICE = """
from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Controller, Get, Module

@Controller("cats")
class Cats:
    @Get()
    async def all(self) -> list[str]:
        return []

@Module(controllers=[Cats])
class Main:
    def on_module_init(self) -> None:
        raise RuntimeError("started")

app = CqrsNest.asgi(Main)
"""

STAGED = """
import sys
from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Module
from cqrs_nest.config import ConfigModule, Environment

@Module(imports=[ConfigModule])
class Main:
    def __init__(self, environment: Environment) -> None:
        print("built for", environment.node_env, file=sys.stderr)

app = CqrsNest.asgi(Main)
"""


def openapi(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (directory / "my_service.py").write_text(SERVICE)
    return run(directory, "openapi", *arguments, **variables)


def test_it_prints_the_document_and_starts_nothing(tmp_path: Path) -> None:
    result = openapi(tmp_path, "my_service:app", NODE_ENV="prod", APP_NAME="cats")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["openapi"], document["info"]["title"]) == ("3.1.0", "cats")
    assert list(document["paths"]) == ["/cats"]


def test_it_writes_a_file(tmp_path: Path) -> None:
    result = openapi(tmp_path, "my_service", "--output", "api.json", NODE_ENV="dev", APP_NAME="cats")
    assert (result.returncode, result.stdout) == (0, "")
    assert list(json.loads((tmp_path / "api.json").read_text())["paths"]) == ["/cats"]


@pytest.mark.parametrize(
    ("command", "written", "stage"),
    [("openapi", "", "local"), ("routes", "NODE_ENV=\n", "local"), ("graph", "NODE_ENV=dev\n", "dev")],
)
def test_the_stage_is_local_where_nothing_names_one(
    tmp_path: Path, command: str, written: str, stage: str
) -> None:
    (tmp_path / "my_service.py").write_text(STAGED)
    (tmp_path / ".env").write_text(written)
    result = run(tmp_path, command, "my_service", APP_NAME="cats")
    assert (result.returncode, result.stderr) == (0, f"built for {stage}\n")


@pytest.mark.parametrize(
    ("application", "message"),
    [
        ("nowhere:app", "No module named 'nowhere'"),
        ("my_service:other", "has no attribute 'other'"),
        ("my_service:Main", "is no application; write app = CqrsNest.asgi(...)"),
        ("my_service:app", "APP_NAME is not set"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, application: str, message: str) -> None:
    result = openapi(tmp_path, application)
    assert result.returncode != 0
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
