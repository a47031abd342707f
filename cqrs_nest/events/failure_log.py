"""One line for each failed delivery of a record, and the stack when it is a new failure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from cqrs_nest.common.logger import Logger
from cqrs_nest.events.batches import BatchRecord, BatchResponse, EarlierRecordFailedError, identifier_of

REMEMBERED = 1000


class FailureLog:
    """Writes what failed, how often it did so in this process, and what waits behind it."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._failures: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def write(self, records: Sequence[BatchRecord], response: BatchResponse) -> None:
        """Log the failures of a batch, and forget those of records that went through."""
        failed = {_key(failure.record) for failure in response.failures}
        for key in map(_key, records if self._failures else ()):
            if key not in failed:
                self._failures.pop(key, None)
        waiting = 0
        for failure in response.failures:
            if isinstance(failure.error, EarlierRecordFailedError):
                waiting += 1
            else:
                self._write(failure.record, failure.error)
        if waiting:
            self._logger.warn("%d records behind the failed ones wait for them", waiting)

    def _write(self, record: BatchRecord, error: BaseException) -> None:
        key, text = _key(record), f"{type(error).__name__}: {error}"
        attempt, known = self._failures.pop(key, (0, None))
        self._failures[key] = attempt + 1, text
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        self._logger.error(
            "%r failed at attempt %d and will be delivered again: %s",
            record,
            attempt + 1,
            text,
            error=error if text != known else None,
        )


def _key(record: BatchRecord) -> str:
    return f"{record.source} {identifier_of(record)}"
