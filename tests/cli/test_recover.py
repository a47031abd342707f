"""`cqrs-nest recover` and `cqrs-nest redrive`: what they do, print and answer, whoever asks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
import time_machine

from cqrs_nest.cli.main import main
from cqrs_nest.commands import CommandService, CommandTableRegistry
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.config import Environment
from cqrs_nest.local.moto_server import MotoServer
from tests.cli.command_line import COMMAND
from tests.cli.recovered_service import app

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
SERVICE = "tests.cli.recovered_service:app"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:topic"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Emulated AWS with the service's tables; the variables by which a process finds it."""
    server = MotoServer(lambda service: None)
    variables = {
        "NODE_ENV": "local",
        "APP_NAME": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "SNS_TOPIC_ARN": TOPIC,
        "DEAD_LETTER_QUEUE_URL": f"{server.url}/123456789012/dead-letters",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    asyncio.run(_create())
    yield variables
    server.close()


async def _create() -> None:
    container = await app.container()
    try:
        await container.get(CommandTables).create()
    finally:
        await container.close()
    import boto3

    boto3.client("sns").create_topic(Name="topic")
    boto3.client("sqs").create_queue(QueueName="dead-letters")


async def _publish(commands: Mapping[str, str]) -> None:
    """Publish commands, by table and name, an hour ago."""
    container = await app.container()
    try:
        for table, name in commands.items():
            entry = container.get(CommandTableRegistry).table(table)
            assert entry is not None
            row = {"pk": "TODO#acme", "sk": name, "id": f"TODO#acme#{name}", "name": name}
            await entry.get(CommandService).publish_async(row)
        await container.close()
    finally:
        await container.close()


def publish(**commands: str) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        asyncio.run(_publish(commands))


class Run(Protocol):
    """Runs a command on the service."""

    def __call__(self, command: str, *options: str, **variables: str) -> tuple[int, str, str]: ...


@pytest.fixture
def run(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The exit code, output and errors of a command, which is run within this process."""

    def call(command: str, *options: str, **changed: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            for name, value in changed.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["cqrs-nest", command, SERVICE, *options])
            with pytest.raises(SystemExit) as end:
                main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


def document(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output)
    return found


def test_recover_carries_on_and_says_what_it_did(run: Run) -> None:
    publish(note="first", todo="second")
    status, output, errors = run("recover")
    assert (status, errors) == (0, "")
    assert output == "looked at 2 rows: 2 commands stood still, 2 were carried on, 0 failed\n"
    status, output, _ = run("recover", "--json")
    assert status == 0
    assert document(output) == {"scanned": 2, "stalled": 0, "applied": [], "failed": []}


def test_a_failure_is_named_and_the_exit_code_says_it(run: Run) -> None:
    publish(note="first", todo="poison")
    status, output, errors = run("recover", "--older-than", "30m", POISON="poison")
    assert status == 1
    assert "todo TODO#acme poison@1: ParkedError: " in errors
    assert "1 were carried on, 1 failed" in output
    # It stands still anew since then.
    _, output, _ = run("recover", "--json", "--table", "todo", POISON="poison")
    assert document(output)["stalled"] == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        status, output, _ = run("recover", "--json", "--table", "todo", POISON="poison")
    assert status == 1
    (failed,) = document(output)["failed"]
    assert (failed["table"], failed["sk"]) == ("todo", "poison@1")
    assert "no room for poison" in failed["error"]

    # It waits in the dead-letter queue now, where it stays until it can be applied.
    status, output, errors = run("redrive", POISON="poison")
    assert (status, output) == (1, "0 of 1 messages are done, 1 stay\n")
    assert "local-test-todo-command TODO#acme poison@1: ParkedError: " in errors
    status, output, _ = run("redrive", "--json")
    assert status == 0
    assert document(output) == {"done": ["local-test-todo-command TODO#acme poison@1"], "failed": []}
    assert run("redrive")[:2] == (0, "0 of 0 messages are done, 0 stay\n")


def test_a_recovery_that_was_killed_goes_on_where_it_was(run: Run, tmp_path: Path) -> None:
    checkpoint = tmp_path / "recovery.json"
    publish(note="first", todo="slow")
    process = subprocess.Popen(
        [*COMMAND, "recover", SERVICE, "--checkpoint", str(checkpoint)],
        cwd=ROOT,
        env={**os.environ, "SLOW": "slow"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    ends = time.monotonic() + 60
    while not checkpoint.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert json.loads(checkpoint.read_text()) == {"open": [{"table": "todo", "segment": 0, "segments": 1}]}
    status, output, _ = run("recover", "--checkpoint", str(checkpoint), "--json")
    assert status == 0
    assert document(output)["applied"] == [{"table": "todo", "pk": "TODO#acme", "sk": "slow@1"}]
    assert document(output)["scanned"] == 1
    assert not checkpoint.exists()


def test_what_its_user_can_mend_is_one_line(run: Run, tmp_path: Path) -> None:
    status, _, errors = run("recover", "--table", "tood")
    assert (status, errors) == (
        1,
        "cqrs-nest: No module registers the table 'tood'; registered are: note, todo.\n",
    )
    wrong = tmp_path / "notes.txt"
    wrong.write_text("[]")
    status, _, errors = run("recover", "--checkpoint", str(wrong))
    assert status == 1
    assert "is no checkpoint of a recovery" in errors
    status, _, errors = run("redrive", DEAD_LETTER_QUEUE_URL="")
    assert (status, errors) == (
        1,
        "cqrs-nest: there is no queue: give --queue, or set DEAD_LETTER_QUEUE_URL\n",
    )


def test_settings_are_of_the_environment() -> None:
    settings = Environment.load(
        environ={"NODE_ENV": "dev", "APP_NAME": "demo", "DEAD_LETTER_QUEUE_URL": "https://queue"}
    )
    assert settings.dead_letter_queue_url == "https://queue"
