"""A project of `cqrs-nest new`, in which commands are run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cqrs_nest.cli.generate.command import generate
from cqrs_nest.cli.new import new


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("new") / "shop"
    result = CliRunner().invoke(new, ["shop", "--directory", str(directory)])
    assert result.exit_code == 0, result.output
    return directory


@pytest.fixture
def project(new_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(new_project, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


Generate = Callable[..., str]


def run_generate(*arguments: str, status: int = 0) -> str:
    """Run `cqrs-nest generate` in the directory of the process; what it prints, or its error."""
    result = CliRunner().invoke(generate, arguments)
    assert result.exit_code == status, result.output
    return result.output


def contents(project: Path) -> dict[str, str]:
    """Every source of a project."""
    return {str(path.relative_to(project)): path.read_text() for path in sorted(project.rglob("*.py"))}
