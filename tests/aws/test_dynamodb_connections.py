"""Both clients of DynamoDB over TLS and through proxies, and what becomes of their connections."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
import weakref
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.exceptions import BotoCoreError, EndpointConnectionError, ProxyConnectionError, SSLError

from cqrs_nest.aws import AwsConfigurationError, AwsSession
from cqrs_nest.aws.dynamodb import AiohttpDynamoDbClient
from cqrs_nest.aws.module import dynamodb_client
from cqrs_nest.config import Environment
from tests.aws.conftest import MakeClient
from tests.aws.scripted_server import Reply, ScriptedServer, scripted_server
from tests.aws.tunnel import Tunnel, tunnel

REQUEST: dict[str, Any] = {"TableName": "items", "Key": {"pk": {"S": "x"}}}


def item(text: str) -> bytes:
    return b'{"Item":{"pk":{"S":"%s"}}}' % text.encode()


@pytest.fixture(params=["boto3", "aiohttp"])
def port(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """The file of the authority that signed the server's certificate."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
async def tls_server(authority: trustme.CA) -> AsyncIterator[ScriptedServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with scripted_server(context) as scripted:
        scripted.script = [Reply()]
        yield scripted


@pytest.fixture
async def proxy() -> AsyncIterator[Tunnel]:
    async with tunnel() as opened:
        yield opened


@pytest.mark.parametrize("setting", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
async def test_the_authority_of_a_certificate_is_a_setting(
    setting: str,
    make: MakeClient,
    tls_server: ScriptedServer,
    bundle: str,
    aws_settings: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    aws_settings.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SSLError, match="certificate verify failed"):
        await make(tls_server.url).get_item(**REQUEST)
    assert tls_server.requests == []
    if setting == "ca_bundle":
        profile = tmp_path / "config"
        profile.write_text(f"[default]\nca_bundle = {bundle}\n")
        aws_settings.setenv("AWS_CONFIG_FILE", str(profile))
    else:
        aws_settings.setenv(setting, bundle)
    assert (await make(tls_server.url).get_item(**REQUEST))["ResponseMetadata"]["RetryAttempts"] == 0


async def test_a_certificate_of_another_authority_or_host_is_refused(
    make: MakeClient, authority: trustme.CA, bundle: str, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("AWS_CA_BUNDLE", bundle)
    aws_settings.setenv("AWS_MAX_ATTEMPTS", "1")
    for certificate in (trustme.CA().issue_cert("127.0.0.1"), authority.issue_cert("other.test")):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        async with scripted_server(context) as server:
            with pytest.raises(SSLError, match=r"certificate|doesn't match"):
                await make(server.url).get_item(**REQUEST)
            assert server.requests == []


@pytest.mark.parametrize("port", ["aiohttp"])
async def test_a_bundle_that_cannot_be_read_is_named(
    make: MakeClient, tls_server: ScriptedServer, aws_settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in (tmp_path / "missing.pem", tmp_path):
        aws_settings.setenv("AWS_CA_BUNDLE", str(path))
        with pytest.raises(
            AwsConfigurationError, match=rf"'{path}' cannot be read .*: correct AWS_CA_BUNDLE"
        ):
            await make(tls_server.url).get_item(**REQUEST)


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_a_proxy_opens_a_tunnel_for_tls(
    scheme: str,
    make: MakeClient,
    tls_server: ScriptedServer,
    proxy: Tunnel,
    bundle: str,
    aws_settings: pytest.MonkeyPatch,
) -> None:
    aws_settings.setenv("AWS_CA_BUNDLE", bundle)
    aws_settings.setenv("HTTPS_PROXY", f"{scheme}user:p%40ss@{proxy.address}")
    client = make(tls_server.url)
    for _ in range(2):
        await client.get_item(**REQUEST)
    (opening,) = proxy.requests
    assert (opening.method, opening.target) == ("CONNECT", tls_server.url.removeprefix("https://"))
    assert opening.headers["proxy-authorization"] == f"Basic {b64encode(b'user:p@ss').decode()}"
    assert all("proxy-authorization" not in request.headers for request in tls_server.requests)


async def test_a_proxy_passes_on_what_is_not_encrypted(
    make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("HTTP_PROXY", server.url.replace("//", "//user:secret@"))
    server.script = [Reply()]
    await make("http://dynamodb.test:8000").get_item(**REQUEST)
    (request,) = server.requests
    assert request.target == "http://dynamodb.test:8000/"
    assert request.headers["host"] == "dynamodb.test:8000"
    assert request.headers["proxy-authorization"] == f"Basic {b64encode(b'user:secret').decode()}"


async def test_no_proxy_goes_by_the_proxy(
    make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    aws_settings.setenv("NO_PROXY", "elsewhere.test,127.0.0.1")
    server.script = [Reply()]
    await make(server.url).get_item(**REQUEST)
    assert server.requests[0].target == "/"


async def test_what_a_proxy_refuses_is_an_error_without_its_password(
    make: MakeClient, proxy: Tunnel, aws_settings: pytest.MonkeyPatch
) -> None:
    proxy.refusal = b"407 Proxy Authentication Required"
    aws_settings.setenv("AWS_MAX_ATTEMPTS", "2")
    for address in (proxy.address, "127.0.0.1:1", "no-proxy.invalid:1"):
        aws_settings.setenv("HTTPS_PROXY", f"http://user:secret@{address}")
        with pytest.raises(ProxyConnectionError, match="Failed to connect to proxy URL") as caught:
            await make("https://dynamodb.test").get_item(**REQUEST)
        assert "secret" not in f"{caught.value} {caught.value.kwargs['error']}"
    assert len(proxy.requests) == 2


@pytest.mark.parametrize("port", ["aiohttp"])
@pytest.mark.parametrize("opening", [b"no HTTP", b"HTTP/1.1 200 OK\r\n\r\nno TLS", b""])
async def test_an_error_carries_neither_the_request_nor_the_password(
    opening: bytes, make: MakeClient, server: ScriptedServer, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("AWS_MAX_ATTEMPTS", "1")
    aws_settings.setenv("AWS_SESSION_TOKEN", "secret-token")
    server.script = [Reply(raw=opening)]
    proxy = server.url.removeprefix("http://")
    for url, setting in ((server.url, ""), ("https://dynamodb.test", f"http://user:secret-word@{proxy}")):
        aws_settings.setenv("HTTPS_PROXY", setting)
        with pytest.raises(BotoCoreError) as caught:
            await make(url).get_item(**REQUEST)
        carried = f"{caught.value!r} {vars(caught.value)!r} {caught.value.__context__!r}"
        assert "endpoint_url" in carried
        assert not any(each in carried for each in ("secret", "dXNlcjpzZWNyZXQ", "AWS4-"))


async def test_shutting_down_lets_a_running_call_end(port: Any, aws_settings: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()
    async with scripted_server() as server:
        server.script = [Reply(200, item("x"), until=release)]
        session, client = client_of(port, server.url)
        call = asyncio.create_task(client.get_item(**REQUEST))
        await server.arrived.wait()
        shutting_down = asyncio.create_task(shut_down(session, client))
        for _ in range(5):
            await asyncio.sleep(0)
        release.set()
        await shutting_down
        assert call.done()
        assert (await call)["ResponseMetadata"]["RetryAttempts"] == 0
        with pytest.raises(RuntimeError, match=r"shut ?down"):
            await client.get_item(**REQUEST)
        assert (server.opened, len(server.requests)) == (1, 1)


async def test_a_connection_is_used_again(make: MakeClient, server: ScriptedServer) -> None:
    server.script = [Reply()]
    client = make(server.url)
    for _ in range(5):
        await client.get_item(**REQUEST)
    assert server.opened == 1


async def test_a_cookie_is_not_kept(make: MakeClient, server: ScriptedServer) -> None:
    server.script = [Reply(headers=("set-cookie: balancer=1; Path=/",))]
    client = make(server.url.replace("127.0.0.1", "localhost"))  # no client keeps one of an address
    for _ in range(2):
        await client.get_item(**REQUEST)
    assert ["cookie" in request.headers for request in server.requests] == [False, False]


async def test_a_connection_that_the_server_closed_is_not_used_again(
    make: MakeClient, server: ScriptedServer
) -> None:
    client = make(server.url)
    for headers in ((), ("connection: close",)):
        server.script = [Reply(200, item("x"), headers, keeps_open=False)]
        for _ in range(5):
            assert (await client.get_item(**REQUEST))["Item"] == {"pk": {"S": "x"}}
    assert server.opened == 10


async def test_no_more_than_32_connections_are_open(make: MakeClient, server: ScriptedServer) -> None:
    release = asyncio.Event()
    server.script = [Reply(200, item(str(number)), until=release) for number in range(100)]
    server.crowd = 32
    client = make(server.url)
    calls = asyncio.gather(*(client.get_item(**REQUEST) for _ in range(100)))
    await server.is_crowded.wait()
    assert len(server.requests) <= 32
    release.set()
    assert {answer["Item"]["pk"]["S"] for answer in await calls} == {str(number) for number in range(100)}
    assert server.most_open == 32


@pytest.mark.parametrize("held_at", [0.0, 0.5, 0.9])
async def test_the_answer_of_a_cancelled_call_is_nobody_elses(
    held_at: float, make: MakeClient, server: ScriptedServer
) -> None:
    release = asyncio.Event()
    server.script = [
        Reply(200, item("first"), until=release, held_at=held_at),
        Reply(200, item("second")),
    ]
    client = make(server.url)
    call = asyncio.create_task(client.get_item(**REQUEST))
    await server.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await client.get_item(**REQUEST))["Item"] == {"pk": {"S": "second"}}
    release.set()
    server.script = [Reply(200, item("third"))]
    assert (await client.get_item(**REQUEST))["Item"] == {"pk": {"S": "third"}}


def client_of(port: Any, url: str) -> tuple[AwsSession, Any]:
    environment = Environment(
        node_env="local",
        app_name="t",
        dynamodb_client=port,
        dynamodb_endpoint=url,
        dynamodb_region="eu-west-1",
    )
    session = AwsSession(environment)
    return session, dynamodb_client(session, environment)


class ServerOfItsOwnLoop:
    """Runs in a thread, as what it serves comes from several loops."""

    def __enter__(self) -> ScriptedServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._context = scripted_server()
        server = asyncio.run_coroutine_threadsafe(self._context.__aenter__(), self._loop).result()
        server.script = [Reply(200, item("x"))]
        return server

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._context.__aexit__(None, None, None), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # a loop ends with an open socket
def test_a_client_outlives_an_event_loop(port: Any, aws_settings: pytest.MonkeyPatch) -> None:
    with ServerOfItsOwnLoop() as server:
        session, client = client_of(port, server.url)
        for _ in range(2):
            assert asyncio.run(client.get_item(**REQUEST))["Item"] == {"pk": {"S": "x"}}
        asyncio.run(shut_down(session, client))
    gc.collect()


def test_a_client_keeps_no_event_loop_that_is_over(port: Any, aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.setenv("AWS_MAX_ATTEMPTS", "1")
    session, client = client_of(port, "http://127.0.0.1:1")  # where nobody listens
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def call() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        with pytest.raises(EndpointConnectionError):
            await client.get_item(**REQUEST)

    for _ in range(10):
        asyncio.run(call())
    gc.collect()
    # The last one may be used again, and a thread may be about to let go of those before it.
    assert sum(loop() is not None for loop in loops) < 5
    asyncio.run(shut_down(session, client))


def test_event_loops_share_a_client(port: Any, aws_settings: pytest.MonkeyPatch) -> None:
    with ServerOfItsOwnLoop() as server:
        session, client = client_of(port, server.url)
        called, may_end = threading.Barrier(2), threading.Event()

        async def call_and_stay() -> None:
            await client.get_item(**REQUEST)
            await asyncio.to_thread(called.wait)
            await asyncio.to_thread(may_end.wait)

        async def call_and_shut_down() -> None:
            await client.get_item(**REQUEST)
            await asyncio.to_thread(called.wait)
            await shut_down(session, client)

        other = threading.Thread(target=asyncio.run, args=(call_and_stay(),))
        other.start()
        asyncio.run(call_and_shut_down())
        may_end.set()
        other.join()


async def shut_down(session: AwsSession, client: Any) -> None:
    if isinstance(client, AiohttpDynamoDbClient):
        await client.on_application_shutdown()
    await session.on_application_shutdown()
