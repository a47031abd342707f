"""From an empty directory to a service that answers, with a built wheel: `make test-scaffold`."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.conftest import free_port

SECONDS = 40
STRICT = """
[tool.pyright]
typeCheckingMode = "strict"
include = ["cat_shop"]
reportMissingTypeStubs = false
"""


def read_until(program: "subprocess.Popen[str]", pattern: str) -> str:
    assert program.stdout is not None
    printed = ""
    for line in program.stdout:
        printed += line
        if re.search(pattern, line):
            return printed
    raise AssertionError(f"ended with {program.wait()}:\n{printed}")


def client(banner: str) -> httpx.Client:
    """A client with the address and the token that were printed."""
    url = re.search(r"answers at\s+(\S+)", banner)
    token = re.search(r"^(eyJ\S+)$", banner, re.MULTILINE)
    assert url is not None
    assert token is not None
    headers = {"authorization": f"Bearer {token[1]}"}
    return httpx.Client(base_url=url[1], headers=headers, trust_env=False, timeout=SECONDS)


def create(http: httpx.Client, path: str, name: str) -> dict[str, Any]:
    response = http.post(path, json={"name": name})
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


def wait_for_search(http: httpx.Client, path: str, name: str) -> None:
    """Return when the read model has an item of this name."""
    deadline = time.monotonic() + SECONDS
    while name not in [each["name"] for each in http.get(f"{path}/search").json()["items"]]:
        assert time.monotonic() < deadline


def test_five_commands_from_pip_install_to_an_answer_of_the_own_feature(newcomer: Any) -> None:
    started = time.perf_counter()
    newcomer.run("pip", "install", "--quiet", "cqrs-nest[cli]")
    assert "cd cat-shop" in newcomer.run("cqrs-nest", "new", "cat-shop")
    assert "cat_controller.py" in newcomer.run("cqrs-nest", "generate", "resource", "cat", at="cat-shop")
    program = newcomer.program("make", "run", at="cat-shop", APP_PORT=str(free_port()))
    try:
        banner = read_until(program, "Ctrl-C ends it")
        with client(banner) as http:
            cat = create(http, "/api/cat", "Tom")
            print(f"\nfrom pip install to the first answer: {time.perf_counter() - started:.0f} s")
            create(http, "/api/todo", "Buy milk")
            wait_for_search(http, "/api/cat", "Tom")
            wait_for_search(http, "/api/todo", "Buy milk")
    finally:
        os.killpg(program.pid, signal.SIGINT)
        assert program.communicate(timeout=SECONDS) is not None

    assert "cat-shop answers at" in banner
    assert (cat["pk"], cat["version"]) == ("CAT#acme", 1)


def test_its_tests_its_types_and_its_style_hold(newcomer: Any) -> None:
    project: Path = newcomer.directory / "cat-shop"
    for step in ("module vets", "event cat-was-ill --module cat", "command feed-cat --module cat"):
        newcomer.run(".venv/bin/cqrs-nest", "generate", *step.split(), at="cat-shop")

    assert re.search(r"\d+ passed", newcomer.run("make", "test", at="cat-shop"))
    assert "Success: no issues found" in newcomer.run("make", "check", at="cat-shop")
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text() + STRICT)
    pyright = (sys.executable, "-m", "pyright", "--pythonpath", str(project / ".venv" / "bin" / "python"))
    assert "0 errors, 0 warnings" in newcomer.run(*pyright, at="cat-shop")
