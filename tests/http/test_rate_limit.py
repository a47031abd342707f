"""How often one caller may ask."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.common import Controller, Get
from cqrs_nest.http import RateLimit
from cqrs_nest.http.rate_limit import RateLimiter, client_address


@Controller("cats")
class Cats:
    def __init__(self) -> None:
        self.seen = 0

    @Get()
    async def find(self) -> list[str]:
        return []


def by_name(scope: Any) -> str:
    return str(dict(scope["headers"]).get(b"x-name", b""))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_one_request_too_many_is_refused(serve: Any) -> None:
    client = await serve(Cats, rate_limit=RateLimit(requests=2, seconds=3600, key=by_name))
    answers = [await client.get(path) for path in ("/cats", "/nowhere", "/cats", "/nowhere")]
    assert [answer.status_code for answer in answers] == [200, 404, 429, 429]
    refused = answers[2]
    assert refused.json() == {"message": "Too Many Requests", "statusCode": 429}
    assert 1 <= int(refused.headers["retry-after"]) <= 1800
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/cats", headers={"x-name": "another"})).status_code == 200


def test_who_waits_may_ask_again() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(requests=3, seconds=30, key=by_name), clock)
    scope = {"headers": []}
    assert [limiter.refusal(scope) is None for _ in range(4)] == [True, True, True, False]
    refusal = limiter.refusal(scope)
    assert refusal is not None
    assert dict(refusal.headers)[b"retry-after"] == b"10"
    clock.now += 10
    assert [limiter.refusal(scope) is None for _ in range(2)] == [True, False]
    clock.now += 30
    assert [limiter.refusal(scope) is None for _ in range(4)] == [True, True, True, False]


@given(
    pauses=st.lists(st.floats(0, 20), max_size=200),
    requests=st.integers(1, 5),
    seconds=st.floats(0.5, 30),
)
def test_in_no_window_twice_the_limit_passes(pauses: list[float], requests: int, seconds: float) -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(requests=requests, seconds=seconds, key=by_name), clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        if limiter.refusal({"headers": []}) is None:
            passed.append(clock.now)
    for start in passed:
        assert sum(start <= moment < start + seconds for moment in passed) <= 2 * requests


def test_a_flood_of_callers_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqrs_nest.http.rate_limit._MOST_CALLERS", 10)
    limiter = RateLimiter(RateLimit(requests=1, seconds=3600, key=by_name))
    for number in range(100):
        assert limiter.refusal({"headers": [(b"x-name", b"%d" % number)]}) is None
    assert len(limiter._done_at) == 10
    assert limiter.refusal({"headers": [(b"x-name", b"99")]}) is not None


def test_who_may_ask_for_everything_again_is_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(requests=60, seconds=60, key=by_name), clock)
    for number in range(100):
        limiter.count({"headers": [(b"x-name", b"%d" % number)]})
        clock.now += 0.5
    assert len(limiter._done_at) == 2


@pytest.mark.parametrize("client", [None, ("", 0), ("/tmp/socket", 0)])
def test_a_caller_without_an_address_has_one_all_the_same(client: Any) -> None:
    assert isinstance(client_address({"client": client}), str)


@pytest.mark.parametrize(("requests", "seconds"), [(0, 60), (1, 0)])
def test_a_limit_of_nothing_is_none(requests: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="RateLimit"):
        RateLimit(requests=requests, seconds=seconds)
