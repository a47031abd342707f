"""Log lines in Lambda."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from cqrs_nest.app.logging import configure_logging
from cqrs_nest.common import Logger
from cqrs_nest.config import Environment
from cqrs_nest.context import Invoke
from cqrs_nest.context.invoke import current_invoke


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")
    logger = logging.getLogger("cqrs_nest")
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers = []
    configure_logging(Environment(node_env="dev", app_name="todo", log_level="debug"))
    yield
    logger.handlers, logger.level, logger.propagate = before


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("in_lambda")
def test_a_line_is_a_json_object_with_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    claims = {"sub": "alice", "custom:tenant": "acme"}
    invoke = Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {"awsRequestId": "r1"})
    token = current_invoke.set(invoke)
    try:
        Logger("Todo").warn("two\nlines")
    finally:
        current_invoke.reset(token)

    (line,) = logged(capsys)
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "WARN",
        "context": "Todo",
        "message": "two\nlines",
        "requestId": "r1",
        "user": "alice",
        "tenant": "acme",
    }


@pytest.mark.usefixtures("in_lambda")
def test_the_stack_of_an_error_is_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Logger("Todo").debug("outside of a request")
    Logger("Todo").error("failed", error=RuntimeError("why"))

    first, second = logged(capsys)
    assert "requestId" not in first
    assert (second["level"], second["stack"]) == ("ERROR", "RuntimeError: why")


def test_the_lines_of_an_application_that_set_up_logging_are_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("cqrs_nest")
    before = list(logger.handlers)
    configure_logging(Environment(node_env="dev", app_name="todo"))
    assert logger.handlers == before
