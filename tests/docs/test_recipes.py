"""The recipes, carried out: the page's Python as one application, on emulated AWS."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from cqrs_nest.app import CqrsNest, NestApplication
from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.common import Module
from cqrs_nest.config import Environment
from cqrs_nest.context import Invoke, Tenant, system_context
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.cqrs import CommandInput, CqrsModule, DataService
from cqrs_nest.pipeline import PipelineModule
from cqrs_nest.read_models import SqlDatabase, SqlModule
from tests.docs.pages import run_python
from tests.emulated_aws import emulated_aws

REGION = "us-east-1"
SCHEDULE = Path(__file__).parents[1] / "app" / "aws_events" / "eventbridge_schedule.json"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:local-shop-order-mail"


@dataclass(frozen=True)
class Shop:
    """The application of the page."""

    app: NestApplication
    page: dict[str, Any]
    http: httpx.AsyncClient

    async def place(self, number: str, **headers: str) -> httpx.Response:
        return await self.http.post("/api/order", json={"number": number, "total": 5}, headers=headers)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    page = run_python("recipes.md")
    names = ("PlaceOrderHandler", "OrderTotals", "ReliableOrders", "OrderMail", "CloseOrders", "YearEnd")

    @Module(
        imports=[
            page["buses"],
            CqrsModule.register(table_name="order", data_sync_handlers=[page["OrderTotalsProjection"]]),
            SqlModule.register(page["metadata"], create_tables=True),
            PipelineModule.for_root(driver="inline"),
            AwsModule,
        ],
        controllers=[page["OrderController"], page["OrderFileController"]],
        providers=[page[name] for name in names],
    )
    class ShopModule: ...

    settings = Environment(
        node_env="local",
        app_name="shop",
        ses_from_email="shop@example.com",
        sns_topic_arn=f"arn:aws:sns:{REGION}:123456789012:topic",
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'shop.sqlite3'}",
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(emulated_aws())
        app = await CqrsNest.create(ShopModule, env=settings)
        stack.push_async_callback(app.close)
        await app.get(CommandTables).create()
        app.get(AwsSession).client("sns").create_topic(Name="topic")
        app.get(AwsSession).client("s3").create_bucket(Bucket="order-files")
        app.get(AwsSession).client("ses").verify_email_identity(EmailAddress="shop@example.com")
        token = sign_development_token(settings, user="ann", tenant="acme")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app.asgi),
            base_url="http://shop",
            headers={"authorization": f"Bearer {token}"},
        ) as http:
            yield Shop(app, page, http)


async def test_the_recipes_hold(shop: Shop) -> None:
    app, page = shop.app, shop.page
    key = page["OrderKey"](Tenant("acme"), "A1")
    totals = page["order_totals"]

    first, again = [await shop.place("A1", **{"idempotency-key": "k1"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (await shop.place("A1")).status_code == 409

    changed = await app.get(page["OrderTotals"]).add(key, 3)
    assert (changed.version, changed.attributes) == (2, {"total": 8})
    assert await app.get(page["OrderTotals"]).add(page["OrderKey"](Tenant("acme"), "none"), 3) is None

    placed = CommandInput(pk="ORDER#acme", sk="B1", id="ORDER#acme#B1", attributes={"total": 1})
    assert await app.get(page["ReliableOrders"]).place(placed, Invoke({}, {})) is True
    await app.drain()
    async with app.get(SqlDatabase).connect() as connection:
        rows = (await connection.execute(totals.select().order_by(totals.c.sk))).all()
    assert [(row.sk, row.version, row.total) for row in rows] == [("A1", 2, 8), ("B1", 1, 1)]

    assert await app.get(page["YearEnd"]).close([Tenant("acme"), Tenant("umbrella")]) == 2
    await app.drain()
    with system_context("look"):
        closed = await app.get(DataService).get_item(pk="ORDER#acme", sk="A1")
    assert closed is not None
    assert (closed.attributes["closed"], closed.updated_by) == (True, "system:close-year")


async def test_events_and_files(shop: Shop) -> None:
    app, page = shop.app, shop.page
    message = {"action": "domain-event", "eventType": "ORDER.created", "pk": "ORDER#acme", "sk": "A1@1"}
    record = {
        "messageId": "m",
        "body": json.dumps(message),
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
    }
    assert await app.events.handle({"Records": [record]}) == {"batchItemFailures": []}
    quota = app.get(AwsSession).client("ses").get_send_quota()
    assert float(quota["SentLast24Hours"]) == 1

    tick = json.loads(SCHEDULE.read_text())
    rule = f"arn:aws:events:{REGION}:123456789012:rule/local-shop-close-orders"
    await app.events.handle({**tick, "resources": [rule]})
    assert app.get(page["CloseOrders"]).closed == 1

    answer = await shop.http.post("/api/order-file", files={"file": ("../bill.pdf", b"bill")})
    assert answer.status_code == 201
    stored = boto3.client("s3", region_name=REGION).get_object(
        Bucket="order-files", Key=answer.json()["name"]
    )
    assert stored["Body"].read() == b"bill"
    assert answer.json()["name"].startswith("acme/")


async def test_the_tests_of_the_page_pass() -> None:
    tests = [value for name, value in run_python("recipes.md").items() if name.startswith("test_")]
    assert tests
    for test in tests:
        assert inspect.iscoroutinefunction(test)
        await test()
