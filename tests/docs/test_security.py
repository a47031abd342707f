"""The Python of docs/security.md runs as it stands there, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

from cqrs_nest.config import Environment

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()


def test_the_python_of_the_page_runs() -> None:
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), {"__name__": "page"})


def test_every_variable_exists() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))
    assert "JWT_VERIFICATION" in named
    assert named - {"NODE_ENV"} <= {name.upper() for name in Environment.model_fields}
