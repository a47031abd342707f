"""`run_local` and `LocalRuntime`, started from Python."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import MetaData

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.common import Controller, Module
from cqrs_nest.http import HttpOptions
from cqrs_nest.local import LocalRuntime, PortTakenError, listen, run_local
from cqrs_nest.pipeline import PipelineModule
from cqrs_nest.read_models import SqlModule
from tests.local.notes import SETTINGS, NoteModule, Projection, publish


class Missing: ...


@Controller("broken")
class BrokenController:
    def __init__(self, missing: Missing) -> None: ...


@Module(controllers=[BrokenController])
class BrokenModule: ...


async def test_options_of_the_http_part_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    http = HttpOptions(global_prefix="api")
    with listen("127.0.0.1", 0) as listener:
        async with (
            LocalRuntime.start(NoteModule, http=http, listener=listener, variables=SETTINGS) as runtime,
            httpx.AsyncClient(base_url=runtime.url, trust_env=False) as client,
        ):
            assert (await client.get("/api/notes")).json() == ["a"]
            await publish(runtime, "left")


async def test_commands_run_through_the_state_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @Module(imports=[NoteModule, PipelineModule.for_root(driver="step-functions")])
    class Application: ...

    monkeypatch.chdir(tmp_path)
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(Application, listener=listener, variables=SETTINGS) as runtime:
            await publish(runtime, "A", "B")
            await runtime.drain()
            assert sorted(runtime.app.get(Projection).applied) == ["A@1", "B@1"]
            page = await runtime.app.get(DynamoDbService).scan("local-notes-note-command")
            assert {row["status"] for row in page.items} == {"finish:FINISHED"}
            # Nothing of the service that the test before started is left.
            assert sorted(row["sk"] for row in page.items) == ["A@1", "B@1"]


def test_a_taken_port_is_told_with_the_fix() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"Port {port} .* APP_PORT={port + 1}"):
            listen("127.0.0.1", port)


def test_a_mistake_of_the_application_is_told_without_a_stack(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_NAME", "broken")
    monkeypatch.setenv("APP_PORT", "0")
    assert run_local(BrokenModule) == 1
    errors = capsys.readouterr().err
    assert "BrokenController" in errors
    assert "Missing" in errors
    assert "Traceback" not in errors


def test_a_database_that_cannot_be_opened_is_told_without_a_stack(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @Module(imports=[SqlModule.register(MetaData(), create_tables=True)])
    class Application: ...

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_NAME", "broken")
    monkeypatch.setenv("APP_PORT", "0")
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/nowhere/todo.sqlite3")
    assert run_local(Application) == 1
    errors = capsys.readouterr().err
    assert f"{tmp_path}/nowhere/todo.sqlite3 (OperationalError: unable to open database file)" in errors
    assert "DATABASE_URL" in errors
    assert "Traceback" not in errors
