"""`cqrs-nest` as its users run it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-c", "from cqrs_nest.cli.main import main; main()")
_OF_A_SERVICE = ("NODE_ENV", "APP_NAME")


def run(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the directory of a service, without settings but those that are given."""
    environ = {name: value for name, value in os.environ.items() if name not in _OF_A_SERVICE}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
