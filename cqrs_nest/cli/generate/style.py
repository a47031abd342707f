"""The style of a project's Python: what its ruff makes of a file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_SETTINGS = (".ruff.toml", "ruff.toml", "pyproject.toml")


def styled(project: Path, files: Mapping[Path, str]) -> dict[Path, str]:
    """The texts of files as ruff sorts their imports and breaks their lines, with the settings of a project.

    Nothing is written there. Paths are relative to the project.
    """
    if not files:
        return {}
    from ruff import find_ruff_bin

    packages = sorted({path.parts[0] for path in files})
    settings = ["--config", f"lint.isort.known-first-party={json.dumps(packages)}"]
    if (found := _settings_of(project)) is not None:
        settings += ["--config", str(found)]
    with TemporaryDirectory() as directory:
        for path, text in files.items():
            file = Path(directory, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for command in (["check", "--select", "I", "--fix-only"], ["format"]):
            subprocess.run(  # noqa: S603 (the arguments are ours)
                [find_ruff_bin(), *command, "--quiet", *settings, "."], cwd=directory, check=True
            )
        return {path: Path(directory, path).read_text() for path in files}


def _settings_of(project: Path) -> Path | None:
    """The file that ruff would read for a project."""
    for directory in (project, *project.parents):
        for name in _SETTINGS:
            file = directory / name
            if file.is_file() and (name != "pyproject.toml" or "[tool.ruff" in file.read_text()):
                return file
    return None
