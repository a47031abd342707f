"""The sample application as a template for copier: the files around it, and itself under another name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import cqrs_nest

PROJECT_FILES = Path(__file__).parent / "project"
SAMPLE = "sample_app"
_LEFT_OUT = {"demo", "__pycache__"}
_PACKAGE = "«package_name»"
_APP_NAME = 'app_name: AppName = "todo"'


def build_template(directory: Path) -> None:
    """Write the template into an empty directory."""
    shutil.copytree(PROJECT_FILES, directory, dirs_exist_ok=True)
    sample = sample_application()
    for file in _files(sample):
        target = directory / _PACKAGE / file.relative_to(sample).with_suffix(f"{file.suffix}.jinja")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_as_template(file.read_text()))


def sample_application() -> Path:
    """Where the sample application lies: in the wheel beside this file, in a checkout at the top."""
    packaged = Path(__file__).parent / SAMPLE
    return packaged if packaged.is_dir() else Path(cqrs_nest.__file__).parents[1] / SAMPLE


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.is_dir() and path.name not in _LEFT_OUT:
            yield from _files(path)
        elif path.suffix == ".py":
            yield path


def _as_template(source: str) -> str:
    named = source.replace(_APP_NAME, _APP_NAME.replace("todo", "«project_name»"))
    return named.replace(SAMPLE, _PACKAGE)
