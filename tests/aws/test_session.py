"""AwsSession: one client of each service, made late, called without blocking the loop."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import pytest

from cqrs_nest.aws import AwsConfigurationError, AwsSession
from cqrs_nest.aws.module import dynamodb_client
from cqrs_nest.config import Environment


async def test_concurrent_first_uses_share_one_client(session: AwsSession) -> None:
    clients = await asyncio.gather(*(session.run(lambda: session.client("dynamodb")) for _ in range(8)))
    assert len(set(map(id, clients))) == 1


async def test_in_lambda_the_collector_leaves_clients_alone(
    session: AwsSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")
    gc.unfreeze()
    try:
        session.client("dynamodb")
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


async def test_calls_leave_the_loop_free(session: AwsSession) -> None:
    release = threading.Event()
    blocked = asyncio.create_task(session.run(release.wait))
    await session.call("dynamodb", "list_tables")
    assert not blocked.done()
    release.set()
    assert await blocked


async def test_settings_choose_endpoint_and_region(emulator: None) -> None:
    environment = Environment(
        node_env="local", app_name="t", dynamodb_endpoint="http://127.0.0.1:8000", dynamodb_region="eu-west-1"
    )
    session = AwsSession(environment)
    client = session.client("dynamodb")
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:8000", "eu-west-1")
    await session.on_application_shutdown()


async def test_a_missing_region_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    session = AwsSession(Environment(node_env="local", app_name="t"))
    with pytest.raises(AwsConfigurationError, match="DYNAMODB_REGION or AWS_REGION"):
        await session.call("dynamodb", "list_tables")
    await session.on_application_shutdown()


def test_importing_the_package_imports_no_boto() -> None:
    heavy = "('boto3', 'botocore', 'moto')"
    code = f"import cqrs_nest.commands, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_aiohttp_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    environment = Environment(node_env="local", app_name="todo", dynamodb_client="aiohttp")
    with pytest.raises(AwsConfigurationError, match=r"pip install 'cqrs-nest\[fast\]'"):
        dynamodb_client(AwsSession(environment), environment)
