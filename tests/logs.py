"""The loggers of the framework, which an application sets for its whole process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unchanged_logging() -> Iterator[None]:
    """Give the loggers back as they were."""
    logger = logging.getLogger("cqrs_nest")
    level, propagate, handlers = logger.level, logger.propagate, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.propagate = propagate
    logger.handlers[:] = handlers
