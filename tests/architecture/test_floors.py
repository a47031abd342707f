"""A floor imports only lower floors; importing anything does no work and pulls in nothing heavy."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cqrs_nest"
MODULES = ROOT / "modules"

FLOORS = {
    "common": 1,
    "core": 2,
    "config": 2,
    "http": 3,
    "buses": 3,
    "aws": 3,
    "context": 4,
    "commands": 5,
    "events": 5,
    "pipeline": 6,
    "notifications": 6,
    "read_models": 6,
    "cqrs": 7,
    "app": 8,
    "infrastructure": 8,
    "local": 9,
    "testing": 9,
    "cli": 10,
}

HEAVY = ("boto3", "botocore", "sqlalchemy", "moto", "uvicorn", "flask", "click", "rich", "alembic")


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}:{node.lineno}: write absolute imports"
            yield node.lineno, node.module


def test_every_folder_has_a_floor() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(FLOORS)


@pytest.mark.parametrize("folder", FLOORS)
def test_imports_go_down(folder: str) -> None:
    wrong: list[str] = []
    for file in (PACKAGE / folder).rglob("*.py"):
        for line, module in imports_of(file):
            parts = module.split(".")
            if parts[0] != "cqrs_nest" or len(parts) == 1 or parts[1] == folder:
                continue
            if FLOORS[parts[1]] >= FLOORS[folder]:
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_nothing_below_knows_what_is_above() -> None:
    for file in PACKAGE.rglob("*.py"):
        for line, module in imports_of(file):
            assert module.split(".")[0] not in {"modules", "sample_app", "tests"}, f"{file}:{line}"


def public_names(module: str) -> set[str]:
    """What a package hands on, as its `__all__` says."""
    return set(importlib.import_module(module).__all__)


def test_feature_modules_use_only_what_is_public() -> None:
    wrong: list[str] = []
    for file in MODULES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cqrs_nest":
                public = public_names(str(node.module))
                wrong += [
                    f"{file.relative_to(ROOT)}:{node.lineno} imports {node.module}.{alias.name}"
                    for alias in node.names
                    if alias.name not in public
                ]
    assert not wrong, "\n".join(wrong)


def test_private_modules_are_imported_only_by_their_own_package() -> None:
    for file in PACKAGE.rglob("*.py"):
        for line, module in imports_of(file):
            parts = module.split(".")
            for index, part in enumerate(parts):
                if part.startswith("_") and parts[0] == "cqrs_nest" and not part.startswith("__"):
                    owner = ROOT.joinpath(*parts[:index])
                    assert owner in file.parents, f"{file}:{line} imports the private {module}"


@pytest.mark.parametrize("module", ["cqrs_nest.app", "cqrs_nest.cqrs", "cqrs_nest.testing"])
def test_import_pulls_in_nothing_heavy(module: str) -> None:
    code = f"import sys; import {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "[]"


def test_files_hold_one_idea() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for file in (*PACKAGE.rglob("*.py"), *MODULES.rglob("*.py"))
        if (count := len(file.read_text().splitlines())) > 400
    }
    assert not long
