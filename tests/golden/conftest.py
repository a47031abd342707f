"""`--golden-dir`: other recordings to replay than those beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "golden"
RECORDED = HERE / "recorded_scenarios"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-dir", type=Path, help="directory of recorded scenarios to replay")


def golden_directory(config: pytest.Config) -> Path:
    """The directory asked for, else the shared recordings, else the project's own copy."""
    asked: Path | None = config.getoption("--golden-dir", None)
    return asked or (SHARED if SHARED.is_dir() else RECORDED)
