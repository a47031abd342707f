"""How log lines look: one readable line each."""

from __future__ import annotations

import logging
import sys
from datetime import datetime

from cqrs_nest.common.logger import VERBOSE
from cqrs_nest.config import Environment

_LEVELS = {
    "verbose": VERBOSE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_NAMES = {logging.INFO: "LOG", logging.WARNING: "WARN", logging.CRITICAL: "FATAL"}


class NestFormatter(logging.Formatter):
    """`[Nest] 4711  - 2026-01-02 12:04:05     LOG [Context] message`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, followed by the stack of an error."""
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        level = _NAMES.get(record.levelno, record.levelname)
        context = record.name.removeprefix("cqrs_nest.")
        line = f"[Nest] {record.process}  - {when} {level:>7} [{context}] {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(environment: Environment) -> None:
    """Send the framework's lines to standard error, unless the application set up logging itself."""
    logger = logging.getLogger("cqrs_nest")
    logger.setLevel(_LEVELS[environment.log_level])
    if logger.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(NestFormatter())
    logger.addHandler(handler)
