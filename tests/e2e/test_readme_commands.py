"""The shell lines of the README, run against the service as they stand there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_curl_lines_create_and_find_a_todo(service: Any) -> None:
    (lines,) = (block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "curl" in block)
    script = lines.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    script = script.replace("http://127.0.0.1:3000", service.url).replace("curl ", "curl -sf ")
    token, create, search = re.split(r"\n(?=curl)", script.strip())

    def run(line: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", f"{token}\n{line}"],
            cwd=service.program.directory,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert '"createdBy":"ann"' in run(create)
    service.wait_until(lambda: '"name":"Buy milk"' in run(search))
