"""A command that cannot be applied, on a service that runs here: seen in `tail`, carried on by `redrive`."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.commands import CommandService, CommandTableRegistry
from cqrs_nest.local import LocalRuntime, listen
from cqrs_nest.local.running import announce
from tests.cli import recovered_service
from tests.cli.command_line import COMMAND
from tests.cli.test_tail import SECONDS, tail

TABLE = "local-notes-todo-command"


async def redrive() -> tuple[int | None, str]:
    """Run `cqrs-nest redrive` in the directory of the service; its exit code and output."""
    others = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NODE_ENV", "APP_NAME", "POISON") and not name.startswith("AWS_")
    }
    program = await asyncio.create_subprocess_exec(
        *(*COMMAND, "redrive", recovered_service.__name__),
        env={**others, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await program.communicate()
    return program.returncode, output.decode()


async def test_a_poison_command_is_seen_and_carried_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POISON", "poison")
    root, seen = recovered_service.app.root, dict[tuple[str, str], list[Any]]()
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(root, listener=listener, variables={"APP_NAME": "notes"}) as runtime:
            with announce(runtime.url, runtime.variables()):
                async with tail("--json", "--table", "todo") as program, asyncio.timeout(SECONDS):
                    todo = runtime.app.get(CommandTableRegistry).table("todo")
                    assert todo is not None
                    for name in ("poison", "good"):
                        command = {"pk": "TODO#acme", "sk": name, "name": name, "version": 0}
                        await todo.get(CommandService).publish_async(command)
                    # Nothing waits for the poison command.
                    await runtime.drain()
                    assert program.stdout is not None
                    while sum(len(lines) for lines in seen.values()) < 4:
                        line = json.loads(await program.stdout.readline())
                        if line["kind"] != "event":
                            seen.setdefault((line["sk"], line["kind"]), []).append(line["what"])
                    assert seen["poison@1", "projection"] == ["sync_data:FAILED, in the dead-letter queue"]
                    assert seen["good@1", "projection"] == ["finish:FINISHED"]
                    assert await redrive() == (0, "1 of 1 messages are done, 0 stay\n")
                    line = {}
                    while line.get("what") != "finish:FINISHED":
                        line = json.loads(await program.stdout.readline())
                    assert line["sk"] == "poison@1"
