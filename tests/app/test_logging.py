"""Log lines in Lambda."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from cqrs_nest.app.logging import configure_logging
from cqrs_nest.common import Logger
from cqrs_nest.config import Environment
from cqrs_nest.context import Invoke
from cqrs_nest.context.invoke import current_invoke


@pytest.fixture
def log_in_lambda(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Sets logging up as in Lambda, for the standard error that the test itself has."""
    logger = logging.getLogger("cqrs_nest")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")

    def configure() -> None:
        logger.handlers.clear()
        configure_logging(Environment(node_env="dev", app_name="todo", log_level="debug"))

    return configure


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_a_json_object_with_the_request(
    log_in_lambda: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    log_in_lambda()
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


def test_the_stack_of_an_error_is_in_its_line(
    log_in_lambda: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    log_in_lambda()
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
