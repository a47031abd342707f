"""The Python of docs/notifications.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.config import Environment

PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"


async def test_the_transport_of_the_page_sends(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)), names)
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
