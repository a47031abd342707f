from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.app.logging import NestFormatter
from cqrs_nest.common import Controller, Get, Module
from cqrs_nest.config import Environment, InvalidEnvironmentError
from cqrs_nest.events import EventService

SETTINGS = Environment(node_env="local", app_name="demo", log_level="error")
LIFESPAN: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}}


class Journal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_module_init(self) -> None:
        self.lines.append("init")

    async def on_application_shutdown(self, signal: str | None = None) -> None:
        self.lines.append("shutdown")


@Controller("cats")
class CatController:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @Get()
    async def list(self) -> list[str]:
        return self._journal.lines


@Module(controllers=[CatController], providers=[Journal])
class CatModule:
    pass


class Needy:
    def __init__(self, journal: Journal) -> None:
        pass


@Module(providers=[Needy])
class BrokenModule:
    pass


class Server:
    """The server's side of the lifespan protocol."""

    def __init__(self, app: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answered: asyncio.Queue[None] = asyncio.Queue()
        self._running = asyncio.create_task(app(LIFESPAN, self._inbox.get, self._send))

    async def tell(self, what: str) -> dict[str, Any]:
        await self._inbox.put({"type": f"lifespan.{what}"})
        await self._answered.get()
        return self.sent[-1]

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        await self._answered.put(None)

    async def end(self) -> None:
        await self._running


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_an_application_answers_requests_and_takes_events() -> None:
    app = await CqrsNest.create(CatModule, env=SETTINGS)
    async with client(app) as http:
        assert (await http.get("/cats")).json() == ["init"]
    assert app.events is app.get(EventService)
    await app.close()
    assert app.get(Journal).lines == ["init", "shutdown"]


async def test_the_lifespan_starts_and_ends_the_application() -> None:
    app = CqrsNest.asgi(CatModule, env=SETTINGS)
    server = Server(app)
    assert await server.tell("startup") == {"type": "lifespan.startup.complete"}
    journal = (await app.start()).get(Journal)
    assert await server.tell("shutdown") == {"type": "lifespan.shutdown.complete"}
    await server.end()
    assert journal.lines == ["init", "shutdown"]


async def test_without_a_lifespan_the_first_requests_start_one_application() -> None:
    app = CqrsNest.asgi(CatModule, env=SETTINGS)
    async with client(app) as http:
        answers = await asyncio.gather(*(http.get("/cats") for _ in range(20)))
    assert [answer.json() for answer in answers] == [["init"]] * 20
    await app.close()


async def test_a_wrong_application_tells_the_server_what_is_wrong_in_one_block() -> None:
    server = Server(CqrsNest.asgi(BrokenModule, env=SETTINGS))
    failed = await server.tell("startup")
    await server.end()
    assert failed["type"] == "lifespan.startup.failed"
    assert failed["message"].startswith("The application cannot start.\n\n")
    assert "Needy" in failed["message"]
    assert "journal" in failed["message"]
    assert "Traceback" not in failed["message"]


async def test_missing_settings_are_named_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NODE_ENV", "APP_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidEnvironmentError) as raised:
        await CqrsNest.create(CatModule)
    assert "NODE_ENV" in str(raised.value)
    assert "APP_NAME" in str(raised.value)


@pytest.fixture
def cat_server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real process: uvicorn with a module that notes its end in a file."""
    (tmp_path / "cats.py").write_text(
        textwrap.dedent(
            """
            from pathlib import Path
            from cqrs_nest.app import CqrsNest
            from cqrs_nest.common import Controller, Get, Module

            @Controller("cats")
            class CatController:
                @Get()
                async def list(self) -> str:
                    return "meow"

                async def before_application_shutdown(self, signal: str | None = None) -> None:
                    Path("ended").write_text("yes")

            @Module(controllers=[CatController])
            class CatModule:
                pass

            app = CqrsNest.asgi(CatModule)
            """
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "cats:app", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "NODE_ENV": "local", "APP_NAME": "cats"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    address = next(
        found.group() for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
    )
    yield process, address
    process.kill()
    process.wait()
    process.stderr.close()


def test_sigterm_ends_a_server_and_runs_the_hooks(
    cat_server: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, address = cat_server
    assert httpx.get(f"{address}/cats").text == "meow"
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    assert (tmp_path / "ended").read_text() == "yes"


def test_a_log_line_has_process_time_level_and_context() -> None:
    record = logging.LogRecord("cqrs_nest.Todo", logging.INFO, "", 1, "created %s", ("A1",), None)
    line = NestFormatter().format(record)
    assert re.fullmatch(
        rf"\[Nest\] {os.getpid()}  - \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d     LOG \[Todo\] created A1", line
    )


class Connection:
    """Opens something at start."""

    opened: ClassVar[list[str]] = []

    def on_module_init(self) -> None:
        self.opened.append("open")

    def on_module_destroy(self) -> None:
        self.opened.append("close")


class FailsAtStart:
    def on_application_bootstrap(self) -> None:
        raise RuntimeError("no road")


@Module(providers=[Connection, FailsAtStart])
class FailingModule:
    pass


async def test_a_start_that_fails_closes_what_it_has_opened() -> None:
    Connection.opened = []
    with pytest.raises(RuntimeError, match="no road"):
        await CqrsNest.create(FailingModule, env=SETTINGS)
    assert Connection.opened == ["open", "close"]
