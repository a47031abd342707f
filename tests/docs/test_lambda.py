"""The Python of docs/lambda.md runs as it stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.app.lambda_handler import LambdaFunction
from tests.docs.pages import run_python


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODE_ENV", "dev")
    monkeypatch.setenv("APP_NAME", "shop")
    monkeypatch.setenv("CHECK_TABLES", "false")
    names = run_python("lambda.md")
    yield names
    names["handler"].close()


def test_the_handler_of_the_page_handles(page: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    handler = page["handler"]
    assert isinstance(handler, LambdaFunction)
    queue = "arn:aws:sqs:eu-west-1:123456789012:orders"
    record = {"messageId": "m", "body": '{"number": 7}', "eventSource": "aws:sqs", "eventSourceARN": queue}
    assert handler({"Records": [record]}, None) == {"batchItemFailures": []}
    events = Path(__file__).parents[1] / "app" / "aws_events"
    for name in ("eventbridge_schedule", "s3_put"):
        handler(json.loads((events / f"{name}.json").read_text()), None)
    assert capsys.readouterr().out.splitlines() == ["7", "nightly", "uploads in/Happy Face (日).jpg"]
    assert json.loads(page["definition"])["StartAt"] == "check_version"
