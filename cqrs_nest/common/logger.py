"""`Logger`: the standard library's logging under the names that Nest users know."""

from __future__ import annotations

import logging
from typing import Any

VERBOSE = 5
logging.addLevelName(VERBOSE, "VERBOSE")


class Logger:
    """Writes lines under the name of its context to the logger `cqrs_nest.<context>`.

    >>> Logger("TodoService").log("created %s", "A1")
    """

    def __init__(self, context: str = "Application") -> None:
        self.context = context
        self._logger = logging.getLogger(f"cqrs_nest.{context}")

    def verbose(self, message: object, *args: Any) -> None:
        """The finest level."""
        self._logger.log(VERBOSE, message, *args)

    def debug(self, message: object, *args: Any) -> None:
        """For developers."""
        self._logger.debug(message, *args)

    def log(self, message: object, *args: Any) -> None:
        """What happens in normal work."""
        self._logger.info(message, *args)

    def warn(self, message: object, *args: Any) -> None:
        """Something that should be looked at."""
        self._logger.warning(message, *args)

    def error(self, message: object, *args: Any, error: BaseException | None = None) -> None:
        """A failure; `error` adds its stack."""
        self._logger.error(message, *args, exc_info=error)

    def fatal(self, message: object, *args: Any, error: BaseException | None = None) -> None:
        """A failure that ends the process."""
        self._logger.critical(message, *args, exc_info=error)
