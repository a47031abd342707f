"""A wheel of this checkout, and a fresh environment that has nothing but it and what it asks for."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Newcomer:
    """Someone with Python, pip and make, and a wheel of this checkout in the place of the package index."""

    directory: Path
    wheels: Path

    def run(self, *command: str, at: str = ".") -> str:
        """What a command prints; it must succeed."""
        result = subprocess.run(
            command,
            cwd=self.directory / at,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    @property
    def environment(self) -> dict[str, str]:
        """The variables of his shell."""
        kept = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HOME", "LANG"))
        }
        return {
            **kept,
            "PATH": f"{self.directory / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONSTRAINT": str(REPOSITORY / "constraints.txt"),
        }

    def program(self, *command: str, at: str, **variables: str) -> "subprocess.Popen[str]":
        """A program that goes on."""
        return subprocess.Popen(
            command,
            cwd=self.directory / at,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def _pip(*arguments: str | Path) -> Sequence[str]:
    return [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    directory = tmp_path_factory.mktemp("newcomer")
    wheels = directory / "wheels"
    subprocess.run(_pip("wheel", "--no-deps", "--wheel-dir", wheels, REPOSITORY), check=True)
    subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True)
    return Newcomer(directory, wheels)
