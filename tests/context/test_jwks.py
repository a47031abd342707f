import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc.jwk import ECKey

from cqrs_nest.context import KeysUnavailableError
from cqrs_nest.context.jwks import PublicKeys, read_url


def document(*ids: str) -> bytes:
    keys = [ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in ids]
    return json.dumps({"keys": keys}).encode()


class Provider:
    """An identity provider: counts how often it is asked, on which thread, and can be down."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer: bytes | Exception = answer
        self.threads: list[int] = []
        self.now = 1000.0

    def read(self) -> bytes:
        self.threads.append(threading.get_ident())
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def keys(self) -> PublicKeys:
        return PublicKeys(self.read, clock=lambda: self.now)


def ids(keys: Any) -> list[str]:
    return [key.kid for key in keys]


async def test_keys_are_read_once_for_many_requests_and_off_the_loop() -> None:
    provider = Provider(document("a"))
    keys = provider.keys()
    found = await asyncio.gather(*(keys.current() for _ in range(20)))
    assert all(one is found[0] for one in found)
    assert len(provider.threads) == 1
    assert provider.threads[0] != threading.get_ident()


async def test_an_unknown_key_makes_it_look_again_but_not_at_once() -> None:
    provider = Provider(document("a"))
    keys = provider.keys()
    await keys.current()
    provider.answer = document("b")

    assert ids(await keys.after_rotation()) == ["a"]
    assert len(provider.threads) == 1
    provider.now += 6
    assert ids(await keys.after_rotation()) == ["b"]


async def test_keys_that_are_taken_back_are_forgotten_in_time() -> None:
    provider = Provider(document("a", "b"))
    keys = provider.keys()
    await keys.current()
    provider.answer = document("b")
    provider.now += 599
    assert ids(await keys.current()) == ["a", "b"]
    provider.now += 1
    assert ids(await keys.current()) == ["b"]


async def test_when_the_provider_is_down_the_former_keys_stay(caplog: pytest.LogCaptureFixture) -> None:
    provider = Provider(document("a"))
    keys = provider.keys()
    await keys.current()
    provider.answer = ConnectionRefusedError("down")
    provider.now += 600
    with caplog.at_level(logging.ERROR):
        assert ids(await keys.current()) == ["a"]
    assert "the former keys stay in use: down" in caplog.text


@pytest.mark.parametrize(
    "answer", [OSError("down"), b"<html>", b"[]", b'{"keys": 1}', b'{"keys": [{"kty": "RSA"}]}']
)
async def test_without_any_keys_nothing_can_be_judged_until_it_answers(answer: Any) -> None:
    provider = Provider(answer)
    keys = provider.keys()
    for _ in range(3):
        with pytest.raises(KeysUnavailableError):
            await keys.current()
    assert len(provider.threads) == 1  # a provider that is down is not asked by every request
    provider.answer = document("a")
    provider.now += 5
    assert ids(await keys.current()) == ["a"]


@pytest.mark.parametrize(
    "other", [{"kty": "NEW"}, {"kty": ["RSA"]}, {"kty": "EC", "crv": "P-9", "x": "AA", "y": "AA"}, {}]
)
async def test_a_key_that_is_not_understood_is_passed_over(other: dict[str, Any]) -> None:
    keys = [other, *json.loads(document("a"))["keys"]]
    provider = Provider(json.dumps({"keys": keys}).encode())
    assert ids(await provider.keys().current()) == ["a"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/jwks?a=1")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b" " * 1_000_002)
        else:
            self.send_response(200 if self.path == "/jwks?a=1" else 404)
            self.end_headers()
            self.wfile.write(b'{"keys": []}')

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_is_read(server: str) -> None:
    assert read_url(f"{server}/jwks?a=1") == b'{"keys": []}'


@pytest.mark.parametrize(
    ("path", "said"), [("/missing", "answered 404"), ("/moved", "answered 302"), ("/large", "more than")]
)
def test_another_answer_is_an_error_that_names_the_url(server: str, path: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_url(f"{server}{path}")


async def test_a_provider_that_never_ends_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()
    asked: list[int] = []

    def read() -> bytes:
        asked.append(1)
        ended.wait(40)
        return document("late")

    keys = PublicKeys(read, patience=0.01)
    answers = await asyncio.gather(*(keys.current() for _ in range(20)), return_exceptions=True)
    ended.set()
    assert {type(answer) for answer in answers} == {KeysUnavailableError}
    assert len(asked) == 1
    assert "no token can be judged" in caplog.text
