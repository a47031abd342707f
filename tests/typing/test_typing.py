"""Both type checkers refuse exactly the lines that are marked `# wrong`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))
ROOT = Path(__file__).parents[2]

Lines = dict[str, set[int]]


def wrong_lines() -> Lines:
    """By file, the lines that must be refused."""
    return {
        example.name: {
            number
            for number, line in enumerate(example.read_text().splitlines(), 1)
            if line.endswith("# wrong")
        }
        for example in EXAMPLES
    }


def refused_by_mypy() -> Lines:
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, EXAMPLES)]
    report = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    refused: Lines = {example.name: set() for example in EXAMPLES}
    for file, line in re.findall(r"^(\S+):(\d+): error:", report.stdout, re.MULTILINE):
        refused[Path(file).name].add(int(line))
    return refused


def refused_by_pyright() -> Lines:
    command = [sys.executable, "-m", "pyright", "--outputjson", *map(str, EXAMPLES)]
    report = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    refused: Lines = {example.name: set() for example in EXAMPLES}
    for finding in json.loads(report.stdout)["generalDiagnostics"]:
        if finding["severity"] == "error":
            refused[Path(finding["file"]).name].add(finding["range"]["start"]["line"] + 1)
    return refused


@pytest.mark.parametrize("check", [refused_by_mypy, refused_by_pyright])
def test_the_wrong_lines_and_no_others_are_refused(check: Callable[[], Lines]) -> None:
    assert check() == wrong_lines()
