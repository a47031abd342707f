"""How the numbers of a type are written, by the tenant's master data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from cqrs_nest.aws import DynamoDbService, error_code
from cqrs_nest.aws.dynamodb import TableType
from cqrs_nest.commands import master_pk
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest_sequence.dto import GenerateSequenceWithSettingDto, Moment, StartMonth
from cqrs_nest_sequence.number_format import InvalidFormatError, NumberFormat
from cqrs_nest_sequence.rotation import FISCAL_START_MONTH
from cqrs_nest_sequence.sequences_options import SequencesOptions

MASTER_DATA_PREFIX = "MASTER_DATA#"
_AT_FIRST_USE = ConfigDict(defer_build=True)
_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(Moment | None, config=_AT_FIRST_USE)
_START_MONTH: TypeAdapter[int | None] = TypeAdapter(StartMonth | None, config=_AT_FIRST_USE)


@dataclass(frozen=True)
class SequenceSetting:
    """A format, and from when fiscal years count."""

    format: NumberFormat
    register_date: datetime | None = None
    start_month: int | None = None

    @property
    def first_month(self) -> int:
        """The month in which fiscal years begin: a date of registration decides before `start_month`."""
        if self.register_date is not None:
            return self.register_date.month
        return self.start_month or FISCAL_START_MONTH

    @classmethod
    def of_request(cls, dto: GenerateSequenceWithSettingDto) -> Self:
        """What came with a request."""
        return cls(NumberFormat(dto.format), dto.register_date, dto.start_month)

    @classmethod
    def of_attributes(cls, attributes: Mapping[str, Any], default_format: str) -> Self:
        """What a row of the master data says. Raises ValueError for what cannot be read."""
        return cls(
            NumberFormat(str(attributes.get("format") or default_format)),
            _MOMENT.validate_python(attributes.get("registerDate") or None),
            _START_MONTH.validate_python(attributes.get("startMonth") or None),
        )


@Injectable()
class SequenceSettings:
    """Reads settings: `MASTER#<tenant>` / `MASTER_DATA#<type>` in `master-data`."""

    def __init__(self, dynamodb: DynamoDbService, options: SequencesOptions) -> None:
        self._dynamodb = dynamodb
        self._default_format = options.default_format

    async def of_type(self, tenant_code: str, type_code: str) -> SequenceSetting:
        """The setting of a type, or the default one where there is none.

        Raises BadRequestException for one that cannot be read, before a number is used up.
        """
        key = {"pk": master_pk(tenant_code), "sk": f"{MASTER_DATA_PREFIX}{type_code}"}
        attributes = await self._attributes(key)
        try:
            return SequenceSetting.of_attributes(attributes, self._default_format)
        except (InvalidFormatError, ValidationError) as error:
            where = f"{key['pk']} / {key['sk']}"
            reason = error if isinstance(error, InvalidFormatError) else "registerDate or startMonth"
            raise BadRequestException(f"{where} in the master data cannot be read: {reason}") from error

    async def _attributes(self, key: Mapping[str, str]) -> Mapping[str, Any]:
        from botocore.exceptions import ClientError

        table = self._dynamodb.get_table_name("master", TableType.DATA)
        try:
            row = await self._dynamodb.get_item(table, key)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return {}  # an application without master data
        attributes: Mapping[str, Any] = (row or {}).get("attributes") or {}
        return attributes
