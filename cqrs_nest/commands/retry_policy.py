"""`RetryPolicy`: how often a data sync handler is tried before its command counts as failed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts within one delivery, and the seconds between them.

    The pauses begin with `first_pause` and double up to `longest_pause`. Each is shortened at random by up
    to a half, so that those who failed together do not come back together. An error of `give_up_on` is
    not tried again. Attempts and pauses have to fit into the time that the function may take.

    >>> RetryPolicy(attempts=4, first_pause=0.25).longest_total
    1.75
    """

    attempts: int = 3
    first_pause: float = 0.1
    longest_pause: float = 5.0
    give_up_on: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"A RetryPolicy has at least 1 attempt, not {self.attempts}.")
        if not 0 <= self.first_pause <= self.longest_pause:
            raise ValueError(
                f"A RetryPolicy pauses for 0 <= first_pause <= longest_pause seconds, "
                f"not {self.first_pause} and {self.longest_pause}."
            )

    @property
    def longest_total(self) -> float:
        """Seconds that all pauses take together at most."""
        return sum(self._full_pauses())

    def pauses(self) -> Iterator[float]:
        """The seconds to wait after each attempt but the last."""
        for pause in self._full_pauses():
            yield random.uniform(pause / 2, pause)  # noqa: S311 - jitter, not a secret

    def _full_pauses(self) -> Iterator[float]:
        for retry in range(self.attempts - 1):
            yield min(self.first_pause * 2.0**retry, self.longest_pause)


DEFAULT_RETRY = RetryPolicy()
"""Of handlers that say nothing else."""
