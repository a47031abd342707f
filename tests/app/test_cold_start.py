"""What a function has imported when it has answered its first event."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.cold_start import OURS

ROOT = Path(__file__).parents[2]
NOT_YET = (
    "aiohttp",
    "alembic",
    "boto3",
    "botocore",
    "click",
    "cryptography",
    "jinja2",
    "joserfc",
    "moto",
    "rich",
    "sqlglot",
    "uvicorn",
)


def test_an_event_that_needs_no_aws_imports_none(tmp_path: Path) -> None:
    settings = {
        "NODE_ENV": "prod",
        "APP_NAME": "todo",
        "LOG_LEVEL": "fatal",
        "CHECK_TABLES": "false",
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/todo.sqlite3",
    }
    code = f"{OURS}\nimport sys; print([name for name in {NOT_YET!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
