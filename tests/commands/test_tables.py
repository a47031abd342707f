"""The tables of an application: created in full, and checked."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.commands.tables import CommandTables


async def test_what_is_missing_is_created_and_what_is_wrong_is_named(start: Any) -> None:
    service = await start(table_name="order", env={"node_env": "dev", "ryw_session_ttl_minutes": 5})
    tables = service.container.get(CommandTables)
    names = [f"dev-test-{name}" for name in ("order-command", "order-data", "order-history")]
    names += ["dev-test-master-data", "dev-test-session"]
    assert [table.name for table in tables.needed] == names
    assert len(await tables.check()) == 5
    assert await tables.create() == names
    assert await tables.check() == []
    assert await tables.create() == []
    client = service.session.client("dynamodb")
    stream = client.describe_table(TableName=names[0])["Table"]["StreamSpecification"]
    assert stream == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    backups = client.describe_continuous_backups(TableName=names[1])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.parametrize("text", ["todo-command: it has no stream", "todo-data: its rows do not expire"])
async def test_what_is_wrong_with_a_table_is_said(service: Any, text: str) -> None:
    assert text in " ".join(await service.container.get(CommandTables).check())
