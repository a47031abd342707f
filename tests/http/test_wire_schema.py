"""What pydantic would take from the wire, and a service must not."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import httpx
import pytest
from pydantic import Field
from starlette.requests import Request

from cqrs_nest.common import Body, CanActivate, Controller, ExecutionContext, Get, Param, Post, Query, Req
from cqrs_nest.http import Dto, ValidationOptions
from cqrs_nest.http.json import to_json
from cqrs_nest.http.wire_schema import wire_validator

JSON = {"content-type": "application/json"}


class Line(Dto):
    due_on: date | None = None


class Order(Dto):
    due_date: datetime | None = None
    due_on: date | int | None = None
    weight: float = 0
    price: Decimal = Decimal(0)
    lines: list[Line] = Field(default=[])
    parent: "Order | None" = None


class Page(Dto):
    page_size: int = 1
    weight: float = 0
    since: date | None = None


class ReadsBody(CanActivate):
    async def can_activate(self, context: ExecutionContext) -> bool:
        await context.switch_to_http().get_request().body()
        return True


@Controller("w")
class Wire:
    @Post()
    async def create(self, order: Annotated[Order, Body()]) -> Order:
        return order

    @Post("field")
    async def field(self, n: Annotated[int, Body("n")]) -> list[int]:
        return [n]

    @Get("page")
    async def page(self, page: Annotated[Page, Query()]) -> Page:
        return page

    @Get("since/:day")
    async def since(self, day: Annotated[date, Param("day")], n: Annotated[int, Query("n")] = 0) -> Any:
        return [day, n]

    @Post("raw")
    async def raw(self, request: Annotated[Request, Req()]) -> int:
        return len(await request.body())


@pytest.fixture
async def client(serve: Any) -> httpx.AsyncClient:
    return await serve(Wire, body_limit=1000)


@pytest.mark.parametrize("text", ["5", "-5", "1700000000", "1.5", " 5", "20300102"])
@pytest.mark.parametrize("path", ["dueDate", "lines.0.dueOn", "parent.dueDate"])
async def test_a_number_is_no_date(client: httpx.AsyncClient, path: str, text: str) -> None:
    first, _, rest = path.partition(".")
    value: Any = text if not rest else [{"dueOn": text}] if first == "lines" else {"dueDate": text}
    refused = await client.post("/w", json={first: value})
    assert refused.status_code == 400
    assert refused.json()["message"] == [f"{path} must be a valid ISO 8601 date string"]


async def test_dates_are_read(client: httpx.AsyncClient) -> None:
    body = {"dueDate": "2030-01-02T03:04:05Z", "dueOn": "2030-01-02", "lines": [{"dueOn": "2030-01-02"}]}
    answer = (await client.post("/w", json=body)).json()
    assert (answer["dueDate"], answer["dueOn"]) == ("2030-01-02T03:04:05.000Z", "2030-01-02")
    for wrong in ("2030-13-01", "soon", "", 5, True, []):
        assert (await client.post("/w", json={"dueDate": wrong})).status_code == 400, wrong
    assert (await client.get("/w/since/2030-01-02")).json() == ["2030-01-02", 0]
    assert (await client.get("/w/since/5")).status_code == 400


@pytest.mark.parametrize("name", ["weight", "price"])
async def test_a_number_is_finite(client: httpx.AsyncClient, name: str) -> None:
    content = b'{"%s": 1e999}' % name.encode()
    assert (await client.post("/w", content=content, headers=JSON)).status_code in (400,)


async def test_a_duration_is_in_the_range_of_python(serve: Any) -> None:
    class Break(Dto):
        took: timedelta

    @Controller()
    class Breaks:
        @Get()
        async def get(self, took: Annotated[timedelta, Query("took")]) -> Break:
            return Break(took=took)

        @Post()
        async def create(self, body: Annotated[Break, Body()]) -> Break:
            return body

    client = await serve(Breaks)
    for text in ("P1DT2H", "-P1D", "PT0.5S"):
        for answer in (await client.get(f"/?took={text}"), await client.post("/", json={"took": text})):
            assert answer.json() == {"took": text}
    for wrong in ("P999999999DT24H", "-P999999999DT1S", "P1000000000D", "soon", "", "5"):
        for answer in (await client.get(f"/?took={wrong}"), await client.post("/", json={"took": wrong})):
            assert (answer.status_code, answer.json()["message"]) == (
                400,
                ["took must be a valid ISO 8601 time string"],
            )


async def test_a_decimal_of_a_text_is_digits(serve: Any) -> None:
    @Controller()
    class Prices:
        @Get()
        async def get(self, price: Annotated[Decimal, Query("price")]) -> Decimal:
            return price

    client = await serve(Prices)
    assert (await client.get("/?price=-1.50")).text == "-1.5"
    for text in ("1_000", "٣", "1e999", "nan"):
        refused = await client.get("/", params={"price": text})
        assert refused.json()["message"] == "Validation failed (numeric string is expected)"


@pytest.mark.parametrize("text", ["1_000", "+5", "%205", "1.0", "1e3", "٣"])
async def test_an_integer_of_a_text_is_digits(client: httpx.AsyncClient, text: str) -> None:
    for path in (f"/w/since/2030-01-02?n={text}", f"/w/page?pageSize={text}"):
        assert (await client.get(path)).status_code == 400
    assert (await client.get("/w/page?pageSize=-05&weight=1e3")).json()["pageSize"] == -5
    assert (await client.get("/w/page?weight=1_0")).status_code == 400


async def test_a_whole_number_is_an_integer_as_a_field_too(client: httpx.AsyncClient) -> None:
    assert (await client.post("/w/field", json={"n": 3.0})).json() == [3]
    assert (await client.post("/w/field", json={"n": 3.5})).status_code == 400


async def test_a_property_has_one_name_on_the_wire(serve: Any, client: httpx.AsyncClient) -> None:
    assert (await client.post("/w", json={"due_date": "2030-01-02"})).json()["dueDate"] is None
    assert (await client.get("/w/page?page_size=5")).json()["pageSize"] == 1
    strict = await serve(Wire, validation=ValidationOptions(forbid_non_whitelisted=True))
    refused = await strict.post("/w", json={"due_date": "2030-01-02", "lines": [{"due_on": None}]})
    assert refused.json()["message"] == [
        "lines.0.property due_on should not exist",
        "property due_date should not exist",
    ]


async def test_a_byte_order_mark_is_passed_over(client: httpx.AsyncClient) -> None:
    response = await client.post("/w", content=b'\xef\xbb\xbf{"weight": 2}', headers=JSON)
    assert (response.status_code, response.json()["weight"]) == (201, 2)


async def test_the_limit_counts_whoever_reads_the_body(serve: Any, client: httpx.AsyncClient) -> None:
    assert (await client.post("/w/raw", content=b"x" * 1000)).text == "1000"
    assert (await client.post("/w/raw", content=b"x" * 1001)).status_code == 413
    guarded = await serve(Wire, body_limit=1000, guards=[ReadsBody()])
    assert (await guarded.post("/w", json={})).status_code == 201
    assert (await guarded.get("/w/page")).status_code == 200
    assert (await guarded.post("/w", content=b"x" * 1001)).status_code == 413


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
async def test_a_moment_that_utc_does_not_have_is_refused(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post("/w", json={"dueDate": text})
    assert answer.json()["message"] == ["dueDate must be a valid ISO 8601 date string"]


@pytest.mark.parametrize("text", ["1e999999999", "-1e309", "1e-999999999", "0e-999999999"])
async def test_a_few_characters_do_not_make_a_number_of_a_billion_digits(
    client: httpx.AsyncClient, text: str
) -> None:
    # As a number of JSON a tiny one is nothing but 0.
    bodies = [f'{{"price": "{text}"}}', *([] if "e-" in text else [f'{{"price": {text}}}'])]
    for body in bodies:
        answer = await client.post("/w", content=body, headers=JSON)
        assert answer.status_code == 400, answer.text
        assert answer.json()["message"] == ["price must be a number conforming to the specified constraints"]


async def test_decimals_of_any_use_pass(client: httpx.AsyncClient) -> None:
    for text in ("1e125", "1e-130", "0", "-0.00", "12345678901234567890.5"):
        assert (await client.post("/w", json={"price": text})).status_code == 201


def test_a_huge_decimal_of_the_application_is_answered_at_once() -> None:
    assert to_json([Decimal("1e999999999"), Decimal("1e-999999999"), Decimal("1e20")]) == (
        b"[null,0.0,100000000000000000000]"
    )


def test_an_integer_beyond_64_bits_changes_nothing_beside_it() -> None:
    beside = [
        {"at": datetime(2030, 1, 2, tzinfo=UTC), "nan": float("nan")},
        (Decimal("1.5"), None, True, {"a"}),
        Line(),
    ]
    assert to_json([2**70, *beside]) == to_json([0, *beside]).replace(b"[0,", b"[1180591620717411303424,")


@pytest.mark.parametrize("text", ["1_0", "1_000.5", "\u0661", "1e1_0", "abc", ""])
async def test_a_decimal_of_a_body_is_digits(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post("/w", json={"price": text})
    assert answer.status_code == 400
    assert answer.json()["message"] == ["price must be a number conforming to the specified constraints"]


@pytest.mark.parametrize(
    ("annotation", "body", "expected"),
    [
        (str | Decimal, b'"12"', "12"),
        (Decimal | int, b"12", 12),
        (float | Decimal, b"12", 12.0),
        (int | Decimal, b'"12"', Decimal(12)),
        (Decimal | None, b"null", None),
        (Decimal | None, b"1.5", Decimal("1.5")),
        (Decimal | str, b'"1_0"', "1_0"),
    ],
)
def test_a_decimal_among_others(annotation: Any, body: bytes, expected: Any) -> None:
    found = wire_validator(annotation, is_text=False).validate_json(body, strict=True)
    assert (type(found), found) == (type(expected), expected)
