"""Settings and log lines, case by case."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, computed_field, model_validator

from cqrs_nest.app.logging import NestFormatter
from cqrs_nest.common import InjectionToken, Logger, Module, provide
from cqrs_nest.config import ConfigModule, ConfigService, Environment, InvalidEnvironmentError
from cqrs_nest.core import Container

case = pytest.mark.case

PROCESS = {"NODE_ENV": "local", "APP_NAME": "demo"}


class Settings(Environment):
    t_a: str = ""
    t_b: str = ""
    t_e: str = ""
    t_f: str = ""
    t_h: str = ""
    t_missing: str | None = None
    t_default: str = "dflt"


def write(directory: Path, text: str) -> Path:
    file = directory / ".env"
    file.write_text(text)
    return file


@case("CFG-01")
def test_the_process_goes_before_the_file(tmp_path: Path) -> None:
    lines = [
        "T_A=file",
        'T_B="quoted val"',
        "T_E='single $X'",
        "export T_F=exp # why",
        'T_H="multi\nline"',
    ]
    settings = Settings.load(write(tmp_path, "\n".join(lines)), {**PROCESS, "T_A": "proc"})

    assert (settings.t_a, settings.t_b, settings.t_f, settings.t_h) == (
        "proc",
        "quoted val",
        "exp",
        "multi\nline",
    )
    assert (settings.t_missing, settings.t_default) == (None, "dflt")


class Urls(Environment):
    t_url: str = ""
    t_def: str = ""
    t_esc: str = ""
    t_single: str = ""


@case("CFG-03")
@pytest.mark.parametrize(("process", "host"), [({}, "h"), ({"T_HOST": "procH"}, "procH")])
def test_variables_are_expanded(tmp_path: Path, process: dict[str, str], host: str) -> None:
    lines = [
        "T_HOST=h",
        "T_URL=http://${T_HOST}:$T_PORT/x",
        "T_DEF=${T_NONE:-fallback}",
        r"T_ESC=\$T_HOST",
        "T_SINGLE=$T_HOST",
        "T_PORT=80",
    ]
    settings = Urls.load(write(tmp_path, "\n".join(lines)), {**PROCESS, **process})

    assert settings.t_url == f"http://{host}:/x"
    assert (settings.t_def, settings.t_esc, settings.t_single) == ("fallback", "$T_HOST", host)


class Checked(Environment):
    port: int = Field(default=0)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def address(self) -> str:
        return f"{self.app_name}:{self.port}"

    @model_validator(mode="after")
    def _no_bad_port(self) -> Self:
        if self.port == 13:
            raise ValueError("bad config")
        return self


@case("CFG-04")
def test_settings_are_typed_added_to_and_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "PORT=80")
    settings = Checked.load(file, PROCESS)
    assert (settings.port, settings.address) == (80, "demo:80")
    with pytest.raises(InvalidEnvironmentError, match="bad config"):
        Checked.load(file, {**PROCESS, "PORT": "13"})


class Database:
    def __init__(self, environment: Environment) -> None:
        self.host = environment.app_name


NAME = InjectionToken[str]("NAME")


@case("CFG-06", "CFG-07")
async def test_every_module_sees_the_settings() -> None:
    def name(config: ConfigService[Environment]) -> str:
        return config.env.app_name

    @Module(providers=[Database, provide(NAME, use_factory=name)])
    class Feature: ...

    environment = Environment(node_env="local", app_name="h")

    @Module(imports=[ConfigModule.for_root(environment), Feature])
    class App: ...

    container = await Container.create(App)
    assert (container.get(Database).host, container.get(NAME)) == ("h", "h")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(NestFormatter())
    logger = logging.getLogger("cqrs_nest.Ctx")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(1)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


@case("LOG-01")
@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("log", "    LOG"),
        ("error", "  ERROR"),
        ("warn", "   WARN"),
        ("debug", "  DEBUG"),
        ("verbose", "VERBOSE"),
        ("fatal", "  FATAL"),
    ],
)
def test_a_line_of_each_level(lines: io.StringIO, method: str, level: str) -> None:
    getattr(Logger("Ctx"), method)("hello %s", "you")

    head, _, tail = lines.getvalue().partition("  - ")
    assert head.startswith("[Nest] ")
    assert tail[19:] == f" {level} [Ctx] hello you\n"


@case("LOG-02")
def test_a_handler_of_the_application_gets_context_and_stack(caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("st")
    with caplog.at_level(logging.INFO, "cqrs_nest"):
        Logger("Svc").log("a")
        Logger("Svc").error("b", error=error)

    found = [(record.name, record.getMessage()) for record in caplog.records]
    assert found == [("cqrs_nest.Svc", "a"), ("cqrs_nest.Svc", "b")]
    assert caplog.records[1].exc_info == (RuntimeError, error, None)
