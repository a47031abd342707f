from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.config import Environment
from cqrs_nest.context import Invoke


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A local environment in a directory of its own, so that a development key can be made."""
    monkeypatch.chdir(tmp_path)
    return Environment(node_env="local", app_name="demo")


@pytest.fixture
def invoke_with() -> Callable[..., Invoke]:
    def build(claims: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> Invoke:
        authorizer = {"jwt": {"claims": claims}} if claims is not None else {}
        event = {"headers": headers or {}, "requestContext": {"authorizer": authorizer}}
        return Invoke(event, {"awsRequestId": "r1"})

    return build
