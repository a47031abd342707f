"""How log lines look: a readable line each, in Lambda a JSON object each."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from cqrs_nest.common.lambda_runtime import in_lambda
from cqrs_nest.common.logger import VERBOSE
from cqrs_nest.config import Environment
from cqrs_nest.context import current_invoke
from cqrs_nest.context.user import CLAIM_TENANT

_LEVELS = {
    "verbose": VERBOSE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_NAMES = {VERBOSE: "VERBOSE", logging.INFO: "LOG", logging.WARNING: "WARN", logging.CRITICAL: "FATAL"}


class NestFormatter(logging.Formatter):
    """`[Nest] 4711  - 2026-01-02 12:04:05     LOG [Context] message`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, followed by the stack of an error."""
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        level = _NAMES.get(record.levelno, record.levelname)
        context = record.name.removeprefix("cqrs_nest.")
        line = f"[Nest] {record.process}  - {when} {level:>7} [{context}] {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the request, its user and his tenant where a request is being handled."""

    def format(self, record: logging.LogRecord) -> str:
        """A line break within the message or the stack is written as an escape."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _NAMES.get(record.levelno, record.levelname),
            "context": record.name.removeprefix("cqrs_nest."),
            "message": record.getMessage(),
            **_request_fields(),
        }
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _request_fields() -> dict[str, str | None]:
    invoke = current_invoke.get()
    if invoke is None:
        return {}
    # The claim itself: a header that chooses a tenant is not what a log should believe.
    tenant: str | None = invoke.claims.get(CLAIM_TENANT)
    return {"requestId": invoke.request_id, "user": invoke.user_id, "tenant": tenant}


def configure_logging(environment: Environment) -> None:
    """Send the framework's lines to standard error, unless the application set up logging itself.

    In Lambda, where the runtime has set up logging, they take the place of its own lines.
    """
    logger = logging.getLogger("cqrs_nest")
    logger.setLevel(_LEVELS[environment.log_level])
    is_lambda = in_lambda()
    if logger.handlers or (logging.getLogger().handlers and not is_lambda):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if is_lambda else NestFormatter())
    logger.addHandler(handler)
    logger.propagate = not is_lambda
