"""From an empty directory to a service that answers, with a built wheel: `make test-scaffold`."""

import os
import re
import signal
import subprocess
import time
from typing import Any

import httpx

from tests.e2e.conftest import free_port


def read_until(program: "subprocess.Popen[str]", pattern: str) -> str:
    assert program.stdout is not None
    printed = ""
    for line in program.stdout:
        printed += line
        if re.search(pattern, line):
            return printed
    raise AssertionError(f"ended with {program.wait()}:\n{printed}")


def call(banner: str) -> dict[str, Any]:
    """Create a todo over HTTP, with the address and the token that were printed."""
    url = re.search(r"answers at\s+(\S+)", banner)
    token = re.search(r"^(eyJ\S+)$", banner, re.MULTILINE)
    assert url is not None
    assert token is not None
    headers = {"authorization": f"Bearer {token[1]}"}
    with httpx.Client(base_url=url[1], headers=headers, trust_env=False, timeout=40) as http:
        response = http.post("/api/todo", json={"name": "Buy milk"})
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


def test_five_commands_from_pip_install_to_an_answer(newcomer: Any) -> None:
    started = time.perf_counter()
    newcomer.run("pip", "install", "--quiet", "cqrs-nest[cli]")
    assert "cd cat-shop" in newcomer.run("cqrs-nest", "new", "cat-shop")
    program = newcomer.program("make", "run", at="cat-shop", APP_PORT=str(free_port()))
    try:
        banner = read_until(program, "Ctrl-C ends it")
        created = call(banner)
    finally:
        os.killpg(program.pid, signal.SIGINT)
        assert program.communicate(timeout=40) is not None
    print(f"\nfrom pip install to the first answer: {time.perf_counter() - started:.0f} s")

    assert "cat-shop answers at" in banner
    assert created["name"] == "Buy milk"


def test_its_tests_its_types_and_its_style_hold(newcomer: Any) -> None:
    assert re.search(r"\d+ passed", newcomer.run("make", "test", at="cat-shop"))
    assert "Success: no issues found" in newcomer.run("make", "check", at="cat-shop")
