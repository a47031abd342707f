"""What a function has imported and made when it has answered its first event."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.cold_start import EVENTS, OURS, function_settings

ROOT = Path(__file__).parents[2]
NOT_YET = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "boto3",
    "botocore",
    "click",
    "cqrs_nest.http.openapi_schemas",
    "cqrs_nest.http.swagger_ui",
    "cqrs_nest.read_models.engine",
    "cqrs_nest_task",
    "cryptography",
    "flask",
    "jinja2",
    "joserfc",
    "libcst",
    "moto",
    "rich",
    "sqlalchemy",
    "sqlglot",
    "uvicorn",
)
REFUSED, _ = EVENTS.values()


def run(code: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True
    )


def test_an_event_that_needs_no_aws_imports_none(tmp_path: Path) -> None:
    code = f"{OURS}\nimport sys; print([name for name in {NOT_YET!r} if name in sys.modules])"
    done = run(code, function_settings(str(tmp_path)) | REFUSED)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    assert list(tmp_path.iterdir()) == []  # the database is not opened


def test_a_function_builds_the_validators_that_it_needs(tmp_path: Path) -> None:
    code = f"""{OURS}
from sample_app.settings import Settings
from sample_app.todo.dto.create_todo_dto import CreateTodoDto
from sample_app.todo.dto.todo_search_dto import SearchTodosDto
from sample_app.todo.dto.update_todo_dto import UpdateTodoDto
made = [each.__pydantic_complete__ for each in (Settings, SearchTodosDto, UpdateTodoDto)]
print(made, UpdateTodoDto(version=1, name="x").name, UpdateTodoDto.__pydantic_complete__)
"""
    done = run(code, function_settings(str(tmp_path)) | REFUSED)
    assert (done.stdout.strip(), done.stderr) == ("[True, False, False] x True", "")


def test_a_function_that_starts_before_it_is_called_builds_all_of_them(tmp_path: Path) -> None:
    code = """
from cqrs_nest.common.lambda_runtime import in_lambda, starts_on_demand
from sample_app.todo.dto.update_todo_dto import UpdateTodoDto
print(in_lambda(), starts_on_demand(), UpdateTodoDto.__pydantic_complete__)
"""
    for kind in ("provisioned-concurrency", "snap-start"):
        settings = function_settings(str(tmp_path)) | {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}
        assert run(code, settings).stdout.strip() == "True False True"


def test_the_collector_is_back_at_work_and_leaves_the_application_alone(tmp_path: Path) -> None:
    code = f"{OURS}\nimport gc; print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    done = run(code, function_settings(str(tmp_path)) | REFUSED)
    assert (done.stdout.strip(), done.stderr) == ("True True", "")


def test_everything_is_checked_at_the_start_elsewhere(tmp_path: Path) -> None:
    code = """
import asyncio
from cqrs_nest.common import Module
from cqrs_nest.app import CqrsNest
from cqrs_nest.read_models import SqlModule

@Module(imports=[SqlModule.register("nowhere:metadata")])
class MainModule: ...

asyncio.run(CqrsNest.create(MainModule))
"""
    settings = function_settings(str(tmp_path)) | {"CHECK_TABLES": "false"}
    assert run(code, settings).returncode == 0
    del settings["AWS_LAMBDA_FUNCTION_NAME"]
    assert "UnknownMetadataError" in run(code, settings).stderr


def test_a_parameter_that_cannot_be_checked_is_said_by_the_route_that_has_it(tmp_path: Path) -> None:
    code = """
from typing import Annotated
from cqrs_nest.app import create_handler
from cqrs_nest.common import Controller, Get, Module, Query

class Thing: ...

@Controller()
class ThingController:
    @Get("fine")
    async def fine(self, number: Annotated[int, Query("number")]) -> int:
        return number

    @Get("wrong")
    async def wrong(self, thing: Annotated[Thing, Query()]) -> None: ...

@Module(controllers=[ThingController])
class MainModule: ...

handler = create_handler(root_module=MainModule)
def ask(path):
    http = {"method": "GET", "path": path, "sourceIp": "::1", "protocol": "HTTP/1.1"}
    event = {"version": "2.0", "rawPath": path, "rawQueryString": "number=1", "headers": {}}
    return handler(event | {"requestContext": {"http": http, "stage": "$default"}}, None)["statusCode"]
print(ask("/fine"), ask("/wrong"), ask("/fine"))
"""
    settings = function_settings(str(tmp_path)) | {"LOG_LEVEL": "error"}
    done = run(code, settings)
    assert done.stdout.strip() == "200 500 200", done.stderr
    assert "thing cannot be checked against" in done.stderr
    del settings["AWS_LAMBDA_FUNCTION_NAME"]
    assert "InvalidControllerError" in run(code, settings).stderr
