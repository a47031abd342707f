"""The image of a new project: its command and its health check, run here as the container would run them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.e2e.conftest import free_port

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = REPOSITORY / "cqrs_nest" / "cli" / "scaffold" / "project" / "Dockerfile.jinja"


def command(instruction: str, port: int) -> list[str]:
    """What an instruction runs, on another port and for the sample application."""
    text = DOCKERFILE.read_text().replace("«package_name»", "sample_app").replace("8080", str(port))
    found = re.search(rf"^{instruction}.*?(\[.*\])$", text, re.MULTILINE)
    assert found is not None
    words: list[str] = json.loads(found[1])
    return [str(Path(sys.executable).parent / words[0]), *words[1:]]


def test_a_container_is_healthy_and_ends_in_peace(tmp_path: Path) -> None:
    port = free_port()
    check = command("HEALTHCHECK", port)
    environ = {**os.environ, "NODE_ENV": "local", "CHECK_TABLES": "false", "PYTHONPATH": str(REPOSITORY)}
    assert subprocess.run(check, check=False, capture_output=True).returncode == 1
    server = subprocess.Popen(
        command("CMD", port), cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(check, check=False, capture_output=True).returncode:
            assert server.poll() is None
            assert time.monotonic() < deadline
        assert httpx.get(f"http://127.0.0.1:{port}/api/todo", trust_env=False).status_code == 401
    finally:
        server.send_signal(signal.SIGTERM)
        _, logged = server.communicate(timeout=60)
    assert "Application shutdown complete" in logged
    assert server.returncode in (0, -signal.SIGTERM)


def test_a_container_has_no_root_and_no_other_registry() -> None:
    lines = DOCKERFILE.read_text().splitlines()

    assert lines.index("USER service") < lines.index(next(line for line in lines if line.startswith("CMD")))
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"python:3.13-slim"}
