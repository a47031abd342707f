"""What an application decides about its sequences."""

from __future__ import annotations

from dataclasses import dataclass

from cqrs_nest_sequence.number_format import DEFAULT_FORMAT


@dataclass(frozen=True)
class SequencesOptions:
    """How numbers are written and counters rotate where a request or the master data do not say it."""

    rotate_at_start_month: bool = False
    """Whether a fiscal counter begins anew in the `startMonth` of its setting.

    Otherwise always in April, as in the TypeScript module: services that share counters must agree on it.
    """
    default_format: str = DEFAULT_FORMAT
    """For types of which the master data say nothing."""
