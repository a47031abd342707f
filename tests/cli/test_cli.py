import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from cqrs_nest import __version__
from cqrs_nest.config import Environment
from cqrs_nest.context import JwtVerifier
from tests.cli.command_line import COMMAND, run

LOCAL = {"NODE_ENV": "local", "APP_NAME": "demo"}


def test_version(tmp_path: Path) -> None:
    result = run(tmp_path, "--version")
    assert (result.returncode, result.stdout) == (0, f"cqrs-nest {__version__}\n")


def test_help_lists_the_commands(tmp_path: Path) -> None:
    result = run(tmp_path, "--help")
    assert result.returncode == 0
    assert "token" in result.stdout


async def test_a_token_is_one_line_that_the_verifier_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(
        tmp_path,
        *("token", "--user", "u1", "--tenant", "acme", "--role", "admin", "--role", "editor"),
        *("--lifetime", "30m"),
        **LOCAL,
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 1
    monkeypatch.chdir(tmp_path)
    claims = await JwtVerifier(Environment(node_env="local", app_name="demo")).verify(result.stdout.strip())
    assert (claims["sub"], claims["custom:tenant"]) == ("u1", "acme")
    assert (
        claims["custom:roles"]
        == '[{"tenant": "acme", "role": "admin"}, {"tenant": "acme", "role": "editor"}]'
    )
    assert claims["exp"] - claims["iat"] == 30 * 60


def test_the_private_key_is_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    assert run(tmp_path, "token", "--user", "u1", **LOCAL).returncode == 0
    key = tmp_path / ".cqrs_nest" / "development-key.json"
    first = key.read_bytes()
    assert run(tmp_path, "token", "--user", "u2", **LOCAL).returncode == 0

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() == first
    names = sorted(file.name for file in key.parent.iterdir())
    assert names == ["development-jwks.json", "development-key.json"]
    assert '"d"' not in (key.parent / "development-jwks.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["token"], LOCAL, "cqrs-nest token: Missing option '--user'. (see cqrs-nest token --help)"),
        (["tokens"], LOCAL, "No such command 'tokens'"),
        (["token", "--user", "u", "--lifetime", "soon"], LOCAL, "write 30m, 12h or 7d"),
        (["token", "--user", "u"], {"NODE_ENV": "prod", "APP_NAME": "demo"}, "only with NODE_ENV=local"),
    ],
)
def test_an_error_is_one_line_with_the_fix(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], said: str
) -> None:
    result = run(tmp_path, *arguments, **variables)

    assert result.returncode != 0
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert not (tmp_path / ".cqrs_nest").exists()


def test_a_token_needs_no_settings(tmp_path: Path) -> None:
    assert json.loads(run(tmp_path, "token", "--user", "u", "--json").stdout)["token"].startswith("eyJ")


def test_without_a_command_the_help_is_shown_as_it_is(tmp_path: Path) -> None:
    result = run(tmp_path)

    assert result.stdout.startswith("Usage: cqrs-nest [OPTIONS] [COMMAND] [ARGS]...\n\n")


def test_a_broken_development_key_says_what_to_do(tmp_path: Path) -> None:
    key = tmp_path / ".cqrs_nest" / "development-key.json"
    key.parent.mkdir()
    key.write_text("{}")
    result = run(tmp_path, "token", "--user", "u")

    assert result.returncode == 1
    assert result.stderr.endswith("development-key.json is no key. Delete the file to get a new one.\n")
    assert key.read_text() == "{}"


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [*COMMAND, "token", "--user", "u"],
            cwd=tmp_path,
            env=os.environ | LOCAL,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    headers = {process.communicate()[0].split(".")[0] for process in started}

    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert len(headers) == 1
