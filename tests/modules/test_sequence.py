"""Numbers: their rows, formats and routes, and that none is given out twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import time_machine

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.common import BadRequestException, DynamicModule, ForbiddenException
from cqrs_nest.context import current_invoke
from cqrs_nest.testing import Test
from cqrs_nest_sequence import (
    GenerateSequenceDto,
    GenerateSequenceWithSettingDto,
    SequencesModule,
    SequencesOptions,
    SequencesService,
)
from tests.modules.conftest import Everybody, RunningApplication, invoke_of, path_of, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAST_SECOND_OF_MARCH = datetime(2026, 3, 31, 14, 59, 59, tzinfo=UTC).timestamp()
"""In Tokyo."""
INVOICE = GenerateSequenceDto(tenant_code="acme", type_code="INVOICE")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def application() -> AsyncIterator[RunningApplication]:
    modules = [
        SequencesModule.register(enable_controller=True),
        SequencesModule.register(enable_controller=True, path="open/sequence", guards=[Everybody]),
    ]
    async with running(*modules) as application:
        yield application


@pytest_asyncio.fixture(loop_scope="module")
async def shop(application: RunningApplication) -> RunningApplication:
    await application.clear()
    return application


def sequences_of(shop: RunningApplication) -> SequencesService:
    return shop.runtime.app.get(SequencesService)


async def test_the_row_of_a_counter_is_the_recorded_one(shop: RunningApplication, tokyo: None) -> None:
    dto = GenerateSequenceDto.model_validate(
        {
            "tenantCode": "acme",
            "typeCode": "INVOICE",
            "rotateBy": "fiscal_yearly",
            "params": {"code1": "A", "code2": "", "code3": "C"},
        }
    )
    with time_machine.travel(LAST_SECOND_OF_MARCH, tick=False):
        await sequences_of(shop).generate_sequence_item(dto, invoke_context=invoke_of("acme"))
    with time_machine.travel(LAST_SECOND_OF_MARCH + 0.9, tick=False):
        await sequences_of(shop).generate_sequence_item(dto)
    assert shop.rows("sequences") == [
        {
            "pk": {"S": "SEQ#acme"},
            "sk": {"S": "INVOICE#A#C#2025"},
            "code": {"S": "INVOICE#A#C#2025"},
            "name": {"S": "fiscal_yearly"},
            "tenantCode": {"S": "acme"},
            "type": {"S": "INVOICE"},
            "seq": {"N": "2"},
            "requestId": {"S": "request-1"},
            "createdAt": {"S": "2026-03-31T23:59:59+09:00"},
            "createdBy": {"S": "ann"},
            "createdIp": {"S": "10.0.0.9"},
            "updatedAt": {"S": "2026-03-31T23:59:59+09:00"},
            "updatedBy": {"S": "system"},
            "updatedIp": {"S": "unknown"},
        }
    ]


async def test_64_callers_get_numbers_without_gap_or_repetition(shop: RunningApplication) -> None:
    sequences = sequences_of(shop)
    single = [sequences.generate_sequence_item(INVOICE) for _ in range(64)]
    blocks = [sequences.reserve(INVOICE, size) for size in (1, 5, 20)]
    numbers = [number.no for number in await asyncio.gather(*single)]
    numbers += [number.no for block in await asyncio.gather(*blocks) for number in block]
    assert sorted(numbers) == list(range(1, 64 + 26 + 1))


async def test_callers_at_midnight_get_the_numbers_of_their_own_period(
    shop: RunningApplication, tokyo: None
) -> None:
    midnight = datetime(2026, 3, 31, 15, tzinfo=UTC)
    for rotate_by, periods in (("daily", ("20260331", "20260401")), ("fiscal_yearly", ("2025", "2026"))):
        dtos = [
            GenerateSequenceDto.model_validate(
                {"tenantCode": "acme", "typeCode": "T", "rotateBy": rotate_by, "date": midnight + passed}
            )
            for passed in [timedelta(microseconds=-1), timedelta()] * 16
        ]
        given = await asyncio.gather(*(sequences_of(shop).reserve(dto, 2) for dto in dtos))
        for period, blocks in zip(periods, (given[::2], given[1::2]), strict=True):
            numbers = [number for block in blocks for number in block]
            assert {number.id for number in numbers} == {f"SEQ#acme#T#{period}"}
            assert sorted(number.no for number in numbers) == list(range(1, 33))


async def test_a_block_is_reserved_in_one_call(shop: RunningApplication) -> None:
    calls: list[str] = []
    events = shop.runtime.app.get(AwsSession).client("dynamodb").meta.events

    def count(model: Any, **_: Any) -> None:
        calls.append(model.name)

    events.register("before-call.dynamodb", count)
    dto = GenerateSequenceWithSettingDto(
        tenant_code="acme", type_code="LOT", format="%%no#:0>4%%", prefix="L"
    )
    block = await sequences_of(shop).reserve(dto, 3)
    assert [number.formatted_no for number in block] == ["L0001", "L0002", "L0003"]
    events.unregister("before-call.dynamodb", count)
    assert calls == ["UpdateItem"]
    with pytest.raises(ValueError, match="1 number or more"):
        await sequences_of(shop).reserve(dto, 0)


@pytest.mark.parametrize(
    ("rotate_by", "periods"),
    [
        ("none", ["none"] * 4),
        (None, ["none"] * 4),
        ("yearly", ["2025", "2026", "2026", "2026"]),
        ("monthly", ["202512", "202601", "202603", "202604"]),
        ("daily", ["20251231", "20260101", "20260331", "20260401"]),
        ("fiscal_yearly", ["2025", "2025", "2025", "2026"]),
    ],
)
async def test_counters_begin_anew_in_each_period(
    shop: RunningApplication, tokyo: None, rotate_by: str | None, periods: list[str]
) -> None:
    seen = []
    days = ["2025-12-31T23:59:59", "2026-01-01T00:00:00", "2026-03-31T23:59:59", "2026-04-01T00:00:00"]
    for day in days:
        dto = {"tenantCode": "acme", "typeCode": "T", "rotateBy": rotate_by, "date": f"{day}+09:00"}
        number = await sequences_of(shop).generate_sequence_item(GenerateSequenceDto.model_validate(dto))
        seen.append((number.id.removeprefix("SEQ#acme#T#"), number.no))
    assert seen == [(period, periods[: index + 1].count(period)) for index, period in enumerate(periods)]


async def test_formats_come_from_the_master_data(shop: RunningApplication, tokyo: None) -> None:
    setting: dict[str, Any] = {
        "format": {"S": "%%code1%%/%%fiscal_year%%/%%month#:0>2%%-%%day%%/%%no#:0>5%%"},
        "registerDate": {"S": "2020-07-01"},
    }
    row = {"pk": {"S": "MASTER#acme"}, "sk": {"S": "MASTER_DATA#INVOICE"}, "attributes": {"M": setting}}
    shop.put("master-data", row)
    dto = {"date": "2026-06-09T00:00:00+09:00", "tenantCode": "acme", "params": {"code1": "A"}}
    known = GenerateSequenceDto.model_validate({**dto, "typeCode": "INVOICE", "prefix": "(", "postfix": ")"})
    number = await sequences_of(shop).generate_sequence_item(known)
    assert number.formatted_no == "(A/6/06-9/00001)"
    other = GenerateSequenceDto.model_validate({**dto, "typeCode": "OTHER"})
    assert (await sequences_of(shop).generate_sequence_item(other)).formatted_no == "1"


async def test_a_setting_that_cannot_be_read_uses_up_no_number(shop: RunningApplication) -> None:
    for broken in (
        {"format": {"S": "%%no#5%%"}},
        {"registerDate": {"S": "soon"}},
        {"startMonth": {"N": "13"}},
    ):
        row = {"pk": {"S": "MASTER#acme"}, "sk": {"S": "MASTER_DATA#INVOICE"}, "attributes": {"M": broken}}
        shop.put("master-data", row)
        with pytest.raises(BadRequestException, match="MASTER#acme / MASTER_DATA#INVOICE"):
            await sequences_of(shop).generate_sequence_item(INVOICE)
    assert shop.rows("sequences") == []


async def test_the_routes_answer_as_recorded(shop: RunningApplication, tokyo: None) -> None:
    body = {"tenantCode": "acme", "typeCode": "T", "date": "2026-01-02T03:04:05.678+09:00"}
    created = await shop.ask("POST", "/", body)
    assert (created.status_code, created.json()) == (
        201,
        {"id": "SEQ#acme#T#none", "no": 1, "formattedNo": "1", "issuedAt": "2026-01-01T18:04:05.000Z"},
    )
    written = await shop.ask("POST", "/provided-setting", {**body, "format": "N-%%no#:0>3%%", "postfix": "!"})
    assert (written.status_code, written.json()["formattedNo"]) == (201, "N-002!")
    row = await shop.ask("GET", path_of("SEQ#acme", "T#none"), roles=())
    assert row.status_code == 200
    assert row.json()["seq"] == 2
    assert row.json()["updatedBy"] == "ann"
    missing = await shop.ask("GET", path_of("SEQ#acme", "X#none"))
    assert (missing.status_code, missing.text) == (200, "")


async def test_guards_replace_the_check_and_path_moves_the_routes(shop: RunningApplication) -> None:
    body = {"tenantCode": "acme", "typeCode": "T"}
    assert (await shop.ask("POST", "/open/sequence", body, roles=())).status_code == 201
    # What a guard lets pass is still kept to its tenant.
    assert (await shop.ask("POST", "/open/sequence", body, tenant="umbrella")).status_code == 403


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tenantCode": None}, "tenantCode must be a string"),
        ({"tenantCode": "a#acme"}, "tenantCode must match"),
        ({"typeCode": 1}, "typeCode must be a string"),
        ({"rotateBy": "weekly"}, "rotateBy must be one of the following values"),
        ({"params": {}}, "params.code1 must be a string"),
        ({"date": "soon"}, "date must be"),
        ({"format": "%%no#5%%"}, "format is not readable"),
        ({"startMonth": 13}, "startMonth must not be greater than 12"),
        ({"typeCode": "x" * 200, "params": {f"code{n}": "y" * 200 for n in range(1, 6)}}, "at most 1024"),
    ],
)
async def test_bad_input_answers_400(shop: RunningApplication, change: dict[str, Any], text: str) -> None:
    body = {"tenantCode": "acme", "typeCode": "T", "format": "%%no%%", **change}
    answer = await shop.ask("POST", "/provided-setting", body)
    assert answer.status_code == 400
    assert text in str(answer.json()["message"])
    assert shop.rows("sequences") == []


async def test_a_day_before_all_calendars_answers_400(
    shop: RunningApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        body = {"tenantCode": "acme", "typeCode": "T", "date": "0001-01-01"}
        answer = await shop.ask("POST", "/", body)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (answer.status_code, "outside of the years" in str(answer.json())) == (400, True)


async def test_a_key_that_no_item_can_have_answers_400(shop: RunningApplication) -> None:
    assert (await shop.ask("GET", path_of("SEQ#acme", "x" * 1025))).status_code == 400


async def test_another_tenants_numbers_are_out_of_reach(shop: RunningApplication) -> None:
    reset = current_invoke.set(invoke_of("umbrella"))
    try:
        with pytest.raises(ForbiddenException):
            await sequences_of(shop).generate_sequence_item(INVOICE)
        number = await sequences_of(shop).generate_sequence_item(INVOICE, allow_cross_tenant=True)
        assert number.no == 1
    finally:
        current_invoke.reset(reset)


class FakeDynamoDb:
    """Counts in memory, in the place of DynamoDB."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def get_table_name(self, *_: object) -> str:
        return "sequences"

    async def get_item(self, *_: object) -> None:
        return None

    async def update_item(self, table: str, key: dict[str, str], *, set: dict[str, Any]) -> dict[str, Any]:
        row = self.rows.setdefault(key["sk"], {"seq": 0})
        row["seq"] += set["seq"].by
        return row


@asynccontextmanager
async def without_aws(module: DynamicModule) -> AsyncIterator[SequencesService]:
    building = Test.create_testing_module(imports=[module])
    building.override_provider(DynamoDbService).use_value(FakeDynamoDb())
    async with await building.compile() as compiled:
        await compiled.initialize()
        yield compiled.get(SequencesService)


async def test_it_runs_without_aws_on_overridden_providers() -> None:
    async with without_aws(
        SequencesModule.register(SequencesOptions(default_format="<%%no%%>"))
    ) as sequences:
        numbers = await sequences.reserve(INVOICE, 2)
    assert [number.formatted_no for number in numbers] == ["<1>", "<2>"]


async def test_fiscal_counters_begin_in_the_start_month_if_asked_to(tokyo: None) -> None:
    dto = GenerateSequenceWithSettingDto.model_validate(
        {
            "date": "2026-02-01T00:00:00+09:00",
            "tenantCode": "acme",
            "typeCode": "T",
            "rotateBy": "fiscal_yearly",
            "format": "%%fiscal_year%%-%%no%%",
            "startMonth": 2,
        }
    )

    async def options() -> SequencesOptions:
        return SequencesOptions(rotate_at_start_month=True)

    registered = dto.model_copy(update={"register_date": datetime(2024, 3, 1)})  # noqa: DTZ001 local
    async with without_aws(SequencesModule.register_async(use_factory=options)) as sequences:
        number = await sequences.generate_sequence_item_with_provide_setting(dto)
        # The month of registration decides before `startMonth`, for the counter as for what is written.
        other = await sequences.generate_sequence_item_with_provide_setting(registered)
    assert (number.id, number.formatted_no) == ("SEQ#acme#T#2026", "74-1")
    assert (other.id, other.formatted_no) == ("SEQ#acme#T#2025", "2-1")
