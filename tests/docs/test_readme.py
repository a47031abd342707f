"""The README's Python runs as it stands there, and its commands exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from cqrs_nest.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


async def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    (tmp_path / "readme_example.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    example = importlib.import_module("readme_example")
    tests = [value for name, value in vars(example).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        await test()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([\w-]+)", README))))
def test_every_make_command_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_command_of_the_command_line_has_its_place() -> None:
    for name in COMMANDS:
        assert re.search(rf"^\| .*`{name}\b", README, re.MULTILINE), name


def test_every_linked_file_exists() -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
