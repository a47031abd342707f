"""When a counter begins anew, and which fiscal year a day belongs to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

FISCAL_START_MONTH = 4
REFERENCE_YEAR = 1953
"""The first fiscal year, where no date of registration says another."""


class RotateBy(StrEnum):
    """How often a counter begins at 1 again."""

    FISCAL_YEARLY = "fiscal_yearly"
    YEARLY = "yearly"
    MONTHLY = "monthly"
    DAILY = "daily"
    NONE = "none"


def period_of(moment: datetime, rotate_by: RotateBy | None, start_month: int = FISCAL_START_MONTH) -> str:
    """The period that a moment belongs to, in the moment's own time zone; one counter stands for each.

    `start_month` is the first month of a fiscal year, which is called after the year that it begins in.

    >>> day = datetime(2026, 3, 31)
    >>> [period_of(day, each) for each in RotateBy]
    ['2025', '2026', '202603', '20260331', 'none']
    """
    match rotate_by:
        case RotateBy.FISCAL_YEARLY:
            return str(_fiscal_year(moment, start_month))
        case RotateBy.YEARLY:
            return f"{moment:%Y}"
        case RotateBy.MONTHLY:
            return f"{moment:%Y%m}"
        case RotateBy.DAILY:
            return f"{moment:%Y%m%d}"
        case RotateBy.NONE | None:
            return str(RotateBy.NONE)


def fiscal_year_number(
    moment: datetime, start_month: int = FISCAL_START_MONTH, register_date: datetime | None = None
) -> int:
    """How many fiscal years there are up to a moment, from the year of `register_date` or from 1953.

    >>> fiscal_year_number(datetime(2021, 11, 1))
    69
    >>> fiscal_year_number(datetime(2026, 6, 30), 7, register_date=datetime(2024, 7, 1))
    2
    """
    first = REFERENCE_YEAR if register_date is None else register_date.year
    return _fiscal_year(moment, start_month) - first + 1


def _fiscal_year(moment: datetime, start_month: int) -> int:
    return moment.year - 1 if moment.month < start_month else moment.year
