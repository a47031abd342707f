"""The Python of docs/notifications.md runs as it stands there."""

from __future__ import annotations

import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.config import Environment
from tests.docs.pages import run_python


async def test_the_transport_of_the_page_sends(capsys: pytest.CaptureFixture[str]) -> None:
    names = run_python("notifications.md")
    settings = Environment(
        node_env="local", app_name="shop", log_level="error", notification_transports=("print",)
    )
    app = await CqrsNest.create(names["MainModule"], env=settings)
    body = '{"action": "command-status", "id": "r1", "pk": "A#acme", "tenantCode": "acme"}'
    queue = "arn:aws:sqs:eu-west-1:123456789012:dev-shop-notification-queue"
    record = {"messageId": "m", "body": body, "eventSource": "aws:sqs", "eventSourceARN": queue}
    assert await app.events.handle({"Records": [record]}) == {"batchItemFailures": []}
    await app.close()
    assert capsys.readouterr().out == "acme command-status r1\n"
    assert names["Invoices"]
