"""An account on moto, and stacks of whole applications in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulated_aws import emulated_aws
from tests.infrastructure.cloudformation import REGION


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "emulated")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with emulated_aws():
        yield
