"""`SequencesService`: gives out numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Unpack

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import IfNotExists, Increment, Item
from cqrs_nest.commands import KEY_SEPARATOR, DetailKey, WireModel, generate_id
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest.context import Caller, Invoke, current_invoke, ensure_tenant
from cqrs_nest_sequence.dto import GenerateSequenceDto, GenerateSequenceWithSettingDto, SequenceEntity
from cqrs_nest_sequence.rotation import FISCAL_START_MONTH, RotateBy, fiscal_year_number, period_of
from cqrs_nest_sequence.sequence_settings import SequenceSetting, SequenceSettings
from cqrs_nest_sequence.sequences_options import SequencesOptions

SEQUENCES_TABLE = "sequences"
SYSTEM_USER = "system"
UNKNOWN_ADDRESS = "unknown"
MAX_KEY_BYTES = 1024


class SequenceRow(WireModel):
    """A counter as it is stored; `seq` is the last number that was given out."""

    pk: str
    sk: str
    seq: int = 0
    code: str = ""
    name: str = ""
    type: str = ""
    tenant_code: str = ""


def sequence_key(
    dto: GenerateSequenceDto, moment: datetime, start_month: int = FISCAL_START_MONTH
) -> DetailKey:
    """The key of the counter that a request is about: type, codes and the period of `moment`.

    >>> dto = GenerateSequenceDto(tenant_code="acme", type_code="INVOICE", rotate_by=RotateBy.MONTHLY)
    >>> sequence_key(dto, datetime(2026, 3, 31))
    DetailKey(pk='SEQ#acme', sk='INVOICE#202603')
    """
    period = period_of(moment, dto.rotate_by, start_month)
    parts = [dto.type_code, *(code for code in dto.codes.values() if code), period]
    return DetailKey(f"SEQ{KEY_SEPARATOR}{dto.tenant_code}", KEY_SEPARATOR.join(parts))


@Injectable()
class SequencesService:
    """Counts for each tenant, type, codes and period, atomically: no two callers get the same number.

    A number that was given out is used up, whatever its caller does with it. Keys must belong to the
    caller's tenant, unless `allow_cross_tenant=True` says that they need not (ForbiddenException).

        number = await sequences.generate_sequence_item(
            GenerateSequenceDto(tenant_code="acme", type_code="INVOICE", rotate_by=RotateBy.YEARLY)
        )
        number.formatted_no
    """

    def __init__(
        self, dynamodb: DynamoDbService, settings: SequenceSettings, options: SequencesOptions
    ) -> None:
        self._dynamodb = dynamodb
        self._settings = settings
        self._rotate_at_start_month = options.rotate_at_start_month
        self._table = dynamodb.get_table_name(SEQUENCES_TABLE)

    async def get_current_sequence(
        self, *, pk: str, sk: str, allow_cross_tenant: bool = False
    ) -> SequenceRow | None:
        """A counter, by its key; None when no number of it was given out yet."""
        _check_key(pk, sk)
        ensure_tenant(pk, allow_cross_tenant, reading=True)
        row = await self._dynamodb.get_item(self._table, {"pk": pk, "sk": sk}, consistent_read=True)
        return None if row is None else SequenceRow.from_row(row)

    async def generate_sequence_item(
        self, dto: GenerateSequenceDto, **caller: Unpack[Caller]
    ) -> SequenceEntity:
        """The next number, written as the tenant's master data say."""
        [number] = await self.reserve(dto, 1, **caller)
        return number

    async def generate_sequence_item_with_provide_setting(
        self, dto: GenerateSequenceWithSettingDto, **caller: Unpack[Caller]
    ) -> SequenceEntity:
        """The next number, written as the request says."""
        return await self.generate_sequence_item(dto, **caller)

    async def reserve(
        self, dto: GenerateSequenceDto, count: int, **caller: Unpack[Caller]
    ) -> list[SequenceEntity]:
        """The next `count` numbers, one after the other, in one call to DynamoDB.

        Raises ValueError for a count below 1.
        """
        if count < 1:
            raise ValueError(f"1 number or more can be reserved, not {count}")
        invoke = caller.get("invoke_context")
        pk = f"SEQ{KEY_SEPARATOR}{dto.tenant_code}"
        ensure_tenant(pk, caller.get("allow_cross_tenant", False), invoke=invoke)
        if isinstance(dto, GenerateSequenceWithSettingDto):
            setting = SequenceSetting.of_request(dto)
        else:
            setting = await self._settings.of_type(dto.tenant_code, dto.type_code)
        moment = (dto.date or datetime.now(UTC)).astimezone()
        first_month = setting.first_month if self._rotate_at_start_month else FISCAL_START_MONTH
        key = sequence_key(dto, moment, first_month)
        _check_key(*key)
        row = await self._count(dto, key, count, invoke or current_invoke.get())
        last: int = row["seq"]
        values = _values(dto, setting, moment)
        return [
            SequenceEntity(
                id=generate_id(*key),
                no=number,
                formatted_no="".join(
                    (dto.prefix or "", setting.format.fill({**values, "no": number}), dto.postfix or "")
                ),
                issued_at=moment.replace(microsecond=0),
            )
            for number in range(last - count + 1, last + 1)
        ]

    async def _count(
        self, dto: GenerateSequenceDto, key: DetailKey, count: int, invoke: Invoke | None
    ) -> Item:
        now = datetime.now(UTC)
        user = (invoke.user_id if invoke else None) or SYSTEM_USER
        address = (invoke.source_ip if invoke else None) or UNKNOWN_ADDRESS
        changes: dict[Any, Any] = {
            "code": key.sk,
            "name": dto.rotate_by or RotateBy.NONE,
            "tenantCode": dto.tenant_code,
            "type": dto.type_code,
            "seq": Increment(count, start=0),
            "createdAt": IfNotExists(now),
            "createdBy": IfNotExists(user),
            "createdIp": IfNotExists(address),
            "updatedAt": now,
            "updatedBy": user,
            "updatedIp": address,
        }
        if invoke is not None and invoke.request_id:
            changes["requestId"] = invoke.request_id
        return await self._dynamodb.update_item(self._table, key.row(), set=changes)


def _values(dto: GenerateSequenceDto, setting: SequenceSetting, moment: datetime) -> Mapping[str, Any]:
    """What a format may show, besides the number."""
    return {
        **dto.codes,
        "fiscal_year": fiscal_year_number(moment, setting.first_month, setting.register_date),
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "date": f"{moment:%Y-%m-%d}",
    }


def _check_key(pk: str, sk: str) -> None:
    if not pk or not 0 < len(sk.encode(errors="surrogatepass")) <= MAX_KEY_BYTES:
        raise BadRequestException(f"pk and sk must not be empty, and sk has at most {MAX_KEY_BYTES} bytes")
