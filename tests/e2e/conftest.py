"""The sample application as its users meet it: processes, sockets and what they leave in the tables."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]
SECONDS = 40
TABLES = ("command", "data", "history")


@dataclass
class Program:
    """`python <arguments>` in a directory and a process group of its own."""

    arguments: Sequence[str]
    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **self.variables}
        self.log = (self.directory / "stderr.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-u", *self.arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,
        )

    def read_until(self, pattern: str) -> str:
        """What the program prints up to a line that matches; its error output if it ends before."""
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if re.search(pattern, line):
                return printed
        raise AssertionError(
            f"ended with {self.process.wait()} before {pattern!r}:\n{printed}{self.errors()}"
        )

    def errors(self) -> str:
        """What it has written to standard error so far."""
        self.log.flush()
        return (self.directory / "stderr.log").read_text()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal as Ctrl-C does, to the whole group, and wait for the end."""
        os.killpg(self.process.pid, number)
        return self.wait()

    def wait(self) -> int:
        """The exit code."""
        return self.process.wait(SECONDS)

    def has_survivors(self) -> bool:
        """Whether any process of the group is still there."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def close(self) -> None:
        """Make sure that nothing is left."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()


class Service:
    """A running sample application, its embedded AWS and its SQL database, seen from outside."""

    def __init__(self, program: Program, banner: str, database: Path) -> None:
        self.program = program
        self.banner = banner
        self.url = _find(banner, r"answers at\s+(\S+)")
        self.token = _find(banner, r"^(eyJ\S+)$")
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=SECONDS)
        credentials = {"aws_access_key_id": "e2e", "aws_secret_access_key": "e2e"}
        self._dynamodb = boto3.client(
            "dynamodb",
            endpoint_url=_find(banner, r"Embedded AWS\s+(\S+)"),
            region_name="ap-northeast-1",
            **credentials,
        )
        self._database = database

    def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx.Response:
        """Ask as the developer, or with another token."""
        headers = {"authorization": f"Bearer {token or self.token}", **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def create(self, **todo: Any) -> dict[str, Any]:
        """Create a todo and wait until it and all before it are on the read side; the command."""
        response = self.ask("POST", "/api/todo", json={"name": "Buy milk", **todo})
        assert response.status_code == 201, response.text
        command: dict[str, Any] = response.json()
        self.wait_until(self._is_settled)
        return command

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, once all commands that were accepted are finished."""
        self.wait_until(self._is_settled)
        found = {kind: self._scan(kind) for kind in TABLES}
        with closing(sqlite3.connect(self._database)) as connection:
            connection.row_factory = sqlite3.Row
            found["sql"] = [dict(row) for row in connection.execute("SELECT * FROM todos ORDER BY id")]
        return found

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Ask again and again until it holds."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.program.errors()

    def close(self) -> None:
        """Close the connections of the test's side."""
        self.http.close()
        self._dynamodb.close()

    def _is_settled(self) -> bool:
        return all(row.get("status") == {"S": "finish:FINISHED"} for row in self._scan("command"))

    def _scan(self, kind: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._dynamodb.scan(TableName=f"local-todo-todo-{kind}")["Items"]
        return sorted(items, key=lambda row: (row["pk"]["S"], row["sk"]["S"]))


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, f"{pattern!r} is not in\n{text}"
    return found[1]


def path_of(command: dict[str, Any]) -> str:
    """The path of the todo that a command is about."""
    return f"/api/todo/{quote(command['pk'], safe='')}/{quote(command['code'], safe='')}"


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running_service(directory: Path) -> Iterator[Service]:
    """`python -m sample_app` on a free port, ended at the end."""
    database = directory / "todos.sqlite3"
    variables = {"APP_PORT": str(free_port()), "DATABASE_URL": f"sqlite+aiosqlite:///{database}"}
    program = Program(["-m", "sample_app"], directory, variables)
    try:
        service = Service(program, program.read_until("Ctrl-C ends it"), database)
        try:
            yield service
        finally:
            service.close()
    finally:
        program.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="session")
def stranger(service: Service) -> str:
    """The token of a user of another tenant, as the command line signs it."""
    signing = [
        "-c",
        "from cqrs_nest.cli.main import main; main()",
        "token",
        "--user",
        "mallory",
        "--tenant",
        "umbrella",
    ]
    program = Program(signing, service.program.directory)
    try:
        return program.read_until("^eyJ").strip()
    finally:
        program.wait()
        program.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts programs in a directory of the test and ends them with it."""
    programs: list[Program] = []

    def start(*arguments: str, **variables: str) -> Program:
        directory = tmp_path / str(len(programs))
        directory.mkdir()
        programs.append(Program(arguments, directory, variables))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def todo_path() -> Callable[[dict[str, Any]], str]:
    return path_of
