"""What goes over the wire."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from cqrs_nest.commands import TenantCode
from cqrs_nest.http import Dto
from cqrs_nest_sequence.number_format import InvalidFormatError, NumberFormat
from cqrs_nest_sequence.rotation import RotateBy

Code: TypeAlias = Annotated[str, StringConstraints(max_length=200)]


def _as_moment(value: Any) -> Any:
    """A mere date stands for its first moment in UTC, as in JavaScript."""
    try:
        return datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
    except (TypeError, ValueError):
        return value


def _local(moment: datetime) -> datetime:
    try:
        return moment.astimezone()
    except (OverflowError, OSError):
        raise ValueError("the date lies outside of the years 1 to 9999") from None


def _readable(text: str) -> str:
    try:
        NumberFormat(text)
    except InvalidFormatError as error:
        raise ValueError(f"format is not readable: {error}") from None
    return text


StartMonth: TypeAlias = Annotated[int, Field(ge=1, le=12)]
"""The first month of fiscal years."""
Moment: TypeAlias = Annotated[datetime, BeforeValidator(_as_moment), AfterValidator(_local)]
"""A moment of the wire in the time zone of the process, by which days and years are told."""


class SequenceParamsDto(Dto):
    """Codes that tell counters of one type apart, and that a format may show."""

    code1: Code
    code2: Code | None = None
    code3: Code | None = None
    code4: Code | None = None
    code5: Code | None = None


class GenerateSequenceDto(Dto):
    """The body of `POST /`: the next number of a type, written as the tenant's master data say."""

    date: Moment | None = None
    """The moment that the number belongs to; now, unless it is given."""
    rotate_by: RotateBy | None = None
    tenant_code: TenantCode
    type_code: Annotated[Code, Field(min_length=1)]
    params: SequenceParamsDto | None = None
    prefix: str | None = None
    postfix: str | None = None

    @property
    def codes(self) -> dict[str, str | None]:
        """The codes by their names in formats."""
        return self.params.model_dump() if self.params else {}


class GenerateSequenceWithSettingDto(GenerateSequenceDto):
    """The body of `POST /provided-setting`: the format comes with the request."""

    format: Annotated[str, AfterValidator(_readable)]
    register_date: Moment | None = None
    """From whose year and month fiscal years count."""
    start_month: StartMonth | None = None
    """4 unless it is given, or the month of `register_date`."""


class SequenceEntity(Dto):
    """A number that was given out."""

    id: str
    no: int
    formatted_no: str
    issued_at: datetime
