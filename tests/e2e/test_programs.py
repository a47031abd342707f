"""The programs behind `make run` and `make demo`."""

import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]


def test_a_second_start_on_a_taken_port_says_so_in_one_line(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = start("-m", "sample_app", APP_PORT=str(port))
        assert program.wait() == 1
    [line] = program.errors().splitlines()
    assert str(port) in line
    assert "APP_PORT=" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything_quietly(start: Start, unused_port: int, number: signal.Signals) -> None:
    program = start("-m", "sample_app", APP_PORT=str(unused_port))
    banner = program.read_until("Ctrl-C ends it")
    assert f"http://127.0.0.1:{unused_port}/swagger-ui" in banner
    assert program.end(number) == 0
    assert not program.has_survivors()
    assert "Traceback" not in program.errors()


def test_a_wrong_setting_is_named_without_a_stack(start: Start) -> None:
    program = start("-m", "sample_app", APP_PORT="many", REQUEST_BODY_SIZE_LIMIT="none")
    assert program.wait() == 1
    errors = program.errors()
    assert "APP_PORT" in errors
    assert "REQUEST_BODY_SIZE_LIMIT" in errors
    assert "Traceback" not in errors


def test_the_demo_shows_every_stage(start: Start) -> None:
    program = start("-m", "sample_app.demo")
    printed = program.read_until("checks hold")
    assert program.wait() == 0, printed + program.errors()
    assert not program.has_survivors()
    for stage in ("Create", "Update", "Stale", "Complete", "Get", "List", "Search", "Delete", "Refused"):
        assert stage in printed
    for what in ("response", "command rows", "SNS event", "data row", "history rows", "SQL row"):
        assert what in printed
    assert "✗" not in printed


BROKEN_DEMO = """
import sys
from sample_app.demo.run_demo import run_demo
from sample_app.todo.projection.todo_projection import TodoProjection

async def forget(self, command): ...

TodoProjection.up = forget
sys.exit(run_demo())
"""


def test_the_demo_fails_when_a_stage_does_not_hold(start: Start) -> None:
    program = start("-c", BROKEN_DEMO)
    printed = program.read_until("does not hold")
    assert program.wait() == 1
    assert "1. Create: POST /api/todo: SQL row does not hold" in printed
    assert "Traceback" not in program.errors()
