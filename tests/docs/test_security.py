"""The Python of docs/security.md runs as it stands there, and what it names exists."""

from __future__ import annotations

import re

from cqrs_nest.config import Environment
from tests.docs.pages import DOCS, run_python

PAGE = (DOCS / "security.md").read_text()


def test_the_python_of_the_page_runs() -> None:
    run_python("security.md")


def test_every_variable_exists() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))
    assert "JWT_VERIFICATION" in named
    assert named - {"NODE_ENV"} <= {name.upper() for name in Environment.model_fields}
