"""The tables of an application: created in full, and checked."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsResources, TableResource
from cqrs_nest.commands import CommandModule, CommandTableRegistry
from cqrs_nest.commands.tables import CommandTables, TablesNotReadyError
from cqrs_nest.common import provide
from cqrs_nest.config import Environment
from cqrs_nest.core import DiscoveryService
from tests.commands.conftest import REGION


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


async def test_a_table_that_a_module_names_belongs_to_those_that_are_needed(start: Any) -> None:
    resources = AwsResources(tables=[TableResource("jobs", is_streamed=True), TableResource("todo-data")])
    service = await start(providers=(provide(AwsResources, use_value=resources),))
    needed = service.container.get(CommandTables).needed
    assert [(table.name, table.is_streamed) for table in needed] == [
        ("local-test-todo-command", True),
        ("local-test-todo-data", False),
        ("local-test-todo-history", False),
        ("local-test-jobs", True),
        ("local-test-master-data", False),
    ]


def tables_of(service: Any, env: Environment) -> CommandTables:
    container = service.container
    registry, discovery = container.get(CommandTableRegistry), container.get(DiscoveryService)
    return CommandTables(registry, service.session, env, discovery)


@pytest.mark.parametrize("text", ["todo-command: it has no stream", "todo-data: its rows do not expire"])
async def test_what_is_wrong_with_a_table_is_said(service: Any, text: str) -> None:
    assert text in " ".join(await service.container.get(CommandTables).check())


def environment(**settings: Any) -> Environment:
    return Environment(node_env="local", app_name="test", dynamodb_region=REGION, **settings)


async def create(**settings: Any) -> None:
    todo = CommandModule.register(table_name="todo")
    application = await CqrsNest.create(todo, env=environment(**settings))
    await application.close()


async def test_an_application_says_at_start_what_is_wrong_with_its_tables(service: Any) -> None:
    service.session.client("dynamodb").delete_table(TableName="local-test-todo-data")
    with pytest.raises(TablesNotReadyError) as caught:
        await create(check_tables=True, ryw_session_ttl_minutes=5)
    text = str(caught.value)
    assert "- local-test-todo-data: there is no such table" in text
    assert "- local-test-todo-command: it has no stream, so its commands would never be applied" in text
    assert "session" not in text
    assert text.count("\n- ") == 2
    assert "Fix: `cqrs-nest tables create`" in text


async def test_an_application_starts_on_tables_that_are_made_for_it(start: Any) -> None:
    service = await start(table_name="order")
    await service.container.get(CommandTables).create()
    service.session.client("dynamodb").delete_table(TableName="local-test-master-data")
    order = CommandModule.register(table_name="order")
    await (await CqrsNest.create(order, env=environment(check_tables=True))).close()


@pytest.mark.parametrize(
    ("settings", "variables", "is_checked"),
    [
        ({}, {}, False),
        ({"check_tables": True}, {"AWS_LAMBDA_FUNCTION_NAME": "f"}, True),
        ({"node_env": "dev"}, {}, True),
        ({"node_env": "dev", "check_tables": False}, {}, False),
        ({"node_env": "prod"}, {"AWS_LAMBDA_FUNCTION_NAME": "f"}, False),
        ({"dynamodb_endpoint": "http://127.0.0.1:1"}, {}, True),
        ({}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, True),
    ],
)
async def test_where_tables_are_checked(
    start: Any,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    variables: dict[str, str],
    is_checked: bool,
) -> None:
    service = await start()
    service.calls.clear()
    for name in ("AWS_ENDPOINT_URL", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    env = Environment(**{"node_env": "local", "app_name": "test", **settings})
    tables = tables_of(service, env)
    if is_checked:
        with pytest.raises(TablesNotReadyError):
            await tables.check_at_start()
    else:
        await tables.check_at_start()
    assert service.calls == ["dynamodb.DescribeTable"] * 3 * is_checked


async def test_a_dynamodb_that_cannot_be_asked_keeps_no_application_from_starting(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service.fail("dynamodb.DescribeTable", "AccessDeniedException")
    env = environment(check_tables=True)
    await tables_of(service, env).check_at_start()
    assert "the tables could not be checked" in caplog.text
