"""Both clients of DynamoDB by what environment and profile say: endpoints, retries, keys that expire."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError, ProxyConnectionError
from botocore.retries.bucket import TokenBucket

from tests.aws.conftest import MakeClient
from tests.aws.scripted_server import Reply, ScriptedServer, scripted_server
from tests.aws.tunnel import tunnel

REQUEST: dict[str, Any] = {"TableName": "items", "Key": {"pk": {"S": "x"}}}
FAILURE = Reply(500, b'{"__type":"x#InternalServerError"}')
THROTTLED = Reply(400, b'{"__type":"x#ThrottlingException","message":"slower"}')


@pytest.fixture(params=["boto3", "aiohttp"])
def port(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def set_profile(aws_settings: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Writes the file of profiles."""

    def write(text: str) -> None:
        path = tmp_path / "config"
        path.write_text(text)
        aws_settings.setenv("AWS_CONFIG_FILE", str(path))

    return write


@pytest.mark.parametrize("setting", ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", "profile", "services"])
async def test_the_endpoint_of_the_environment_and_of_the_profile(
    setting: str, make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch, set_profile: Any
) -> None:
    server.script = [Reply()]
    match setting:
        case "profile":
            set_profile(f"[default]\nendpoint_url = {server.url}\n")
        case "services":
            section = f"[services here]\ndynamodb =\n  endpoint_url = {server.url}\n"
            set_profile(f"[default]\nservices = here\nendpoint_url = http://127.0.0.1:1\n{section}")
        case _:
            aws_settings.setenv(setting, server.url)
    await make(None).get_item(**REQUEST)
    aws_settings.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    await make(server.url).get_item(**REQUEST)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("region", "settings", "host"),
    [
        ("eu-west-1", {}, "dynamodb.eu-west-1.amazonaws.com"),
        ("cn-north-1", {}, "dynamodb.cn-north-1.amazonaws.com.cn"),
        ("fips-us-east-1", {}, "dynamodb-fips.us-east-1.amazonaws.com"),
        ("us-east-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, "dynamodb-fips.us-east-1.amazonaws.com"),
        ("us-gov-west-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, "dynamodb.us-gov-west-1.amazonaws.com"),
        ("eu-west-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "dynamodb.eu-west-1.api.aws"),
        ("eu-west-1", {"AWS_ACCOUNT_ID": "123456789012"}, "123456789012.ddb.eu-west-1.amazonaws.com"),
        (
            "eu-west-1",
            {"AWS_ACCOUNT_ID": "123456789012", "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled"},
            "dynamodb.eu-west-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "dynamodb.eu-west-1.amazonaws.com",
        ),
    ],
)
async def test_the_endpoint_of_a_region(
    region: str, settings: Mapping[str, str], host: str, make: MakeClient, aws_settings: pytest.MonkeyPatch
) -> None:
    """The proxy is asked for it, and opens nothing."""
    for name, value in settings.items():
        aws_settings.setenv(name, value)
    aws_settings.setenv("AWS_MAX_ATTEMPTS", "1")
    async with tunnel() as proxy:
        proxy.refusal = b"403 Forbidden"
        aws_settings.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(ProxyConnectionError):
            await make(None, region).get_item(**REQUEST)
    assert [request.target for request in proxy.requests] == [f"{host}:443"]


@pytest.mark.parametrize(("region", "signed"), [("eu-west-1", "eu-west-1"), ("fips-us-east-1", "us-east-1")])
async def test_the_region_that_is_signed_for(
    region: str, signed: str, make: MakeClient, server: ScriptedServer
) -> None:
    server.script = [Reply()]
    await make(server.url, region).get_item(**REQUEST)
    assert f"/{signed}/dynamodb/aws4_request" in server.requests[0].headers["authorization"]


@pytest.mark.parametrize("mode", ["standard", "adaptive", "legacy"])
@pytest.mark.parametrize("place", ["environment", "profile", "nowhere"])
async def test_how_often_to_try_is_a_setting(
    mode: str,
    place: str,
    make: MakeClient,
    server: ScriptedServer,
    aws_settings: pytest.MonkeyPatch,
    set_profile: Any,
) -> None:
    server.script = [FAILURE]
    match place:
        case "environment":
            aws_settings.setenv("AWS_RETRY_MODE", mode)
            aws_settings.setenv("AWS_MAX_ATTEMPTS", "2")
        case "profile":
            set_profile(f"[default]\nretry_mode = {mode}\nmax_attempts = 2\n")
        case _:
            aws_settings.setenv("AWS_RETRY_MODE", mode)
    with pytest.raises(ClientError) as caught:
        await make(server.url).get_item(**REQUEST)
    attempts = 5 if place == "nowhere" else 2
    assert len(server.requests) == attempts
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == attempts - 1


async def test_adaptive_mode_holds_requests_back_but_not_the_loop(
    make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("AWS_RETRY_MODE", "adaptive")
    loop, turns, may_go = asyncio.get_running_loop(), list[bool](), threading.Event()

    def acquire(*_: object, **__: object) -> bool:
        loop.call_soon_threadsafe(may_go.set)  # by the loop, which must be free for it
        turns.append(may_go.wait(10))
        return True

    aws_settings.setattr(TokenBucket, "acquire", acquire)
    server.script = [Reply(), THROTTLED, Reply()]
    client = make(server.url)
    await client.get_item(**REQUEST)
    assert turns == []
    assert (await client.get_item(**REQUEST))["ResponseMetadata"]["RetryAttempts"] == 1
    assert turns == [True]


def keys(number: int, lifetime: timedelta, now: datetime) -> Reply:
    expiration = (now + lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Reply(
        body=json.dumps(
            {
                "Code": "Success",
                "AccessKeyId": f"key-{number}",
                "SecretAccessKey": "secret",
                "Token": f"token-{number}",
                "Expiration": expiration,
            }
        ).encode()
    )


def signers(server: ScriptedServer) -> list[str]:
    """Whose keys signed the requests."""
    credentials = [
        request.headers["authorization"].partition("Credential=")[2] for request in server.requests
    ]
    return [credential.partition("/")[0] for credential in credentials]


# The servers that give out keys are served by the test's own event loop: a client that waited for them on the
# loop would wait in vain.


async def test_keys_of_a_container_are_fetched_anew_before_they_expire(
    make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.delenv("AWS_ACCESS_KEY_ID")
    server.script, now = [Reply()], datetime.now(UTC)
    async with scripted_server() as container:
        aws_settings.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/keys")
        container.script = [
            keys(1, timedelta(hours=1), now),
            keys(2, timedelta(hours=2), now),
            keys(3, timedelta(hours=9), now),
        ]
        client = make(server.url)
        await client.get_item(**REQUEST)
        await client.get_item(**REQUEST)
        with time_machine.travel(now + timedelta(minutes=50)):  # valid for ten minutes more
            await client.get_item(**REQUEST)
        with time_machine.travel(now + timedelta(hours=3)):  # expired long ago
            await asyncio.gather(*(client.get_item(**REQUEST) for _ in range(20)))
        assert len(container.requests) == 3
    assert signers(server)[:2] == ["key-1", "key-1"]
    assert signers(server)[2] in ("key-1", "key-2")  # the one that is fetched, or still the old one
    assert set(signers(server)[3:]) == {"key-3"}
    assert server.requests[-1].headers["x-amz-security-token"] == "token-3"


async def test_keys_of_an_instance(
    make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.delenv("AWS_ACCESS_KEY_ID")
    aws_settings.setenv("AWS_EC2_METADATA_DISABLED", "false")
    server.script = [Reply()]
    async with scripted_server() as metadata:
        aws_settings.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
        role = keys(1, timedelta(hours=1), datetime.now(UTC))
        metadata.script = [Reply(body=b"a token"), Reply(body=b"the-role"), role]
        await make(server.url).get_item(**REQUEST)
        assert [request.method for request in metadata.requests] == ["PUT", "GET", "GET"]
    assert signers(server) == ["key-1"]


async def test_keys_of_a_role_that_is_assumed(
    make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch, set_profile: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws_settings.delenv(name)
    set_profile(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nregion = eu-west-1\n"
        "[profile base]\naws_access_key_id = base-key\naws_secret_access_key = secret\n"
    )
    server.script, now = [Reply()], datetime.now(UTC)

    def assumed(number: int, lifetime: timedelta) -> Reply:
        expiration = f"{now + lifetime:%Y-%m-%dT%H:%M:%SZ}"
        fields = f"<AccessKeyId>role-{number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
        fields += f"<SessionToken>token</SessionToken><Expiration>{expiration}</Expiration>"
        result = f"<AssumeRoleResult><Credentials>{fields}</Credentials></AssumeRoleResult>"
        return Reply(body=f"<AssumeRoleResponse>{result}</AssumeRoleResponse>".encode())

    async with scripted_server() as sts:
        aws_settings.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        sts.script = [assumed(1, timedelta(hours=1)), assumed(2, timedelta(hours=9))]
        client = make(server.url)
        await client.get_item(**REQUEST)
        await client.get_item(**REQUEST)
        with time_machine.travel(now + timedelta(hours=3)):
            await client.get_item(**REQUEST)
        assert signers(sts) == ["base-key", "base-key"]
    assert signers(server) == ["role-1", "role-1", "role-2"]
