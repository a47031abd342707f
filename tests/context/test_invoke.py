from collections.abc import Callable

import pytest

from cqrs_nest.common import HttpException, UnauthorizedException
from cqrs_nest.context import Invoke
from cqrs_nest.context.invoke import IDENTITY_ERROR, INVOKE, invoke_of


def test_it_reads_an_http_api_event() -> None:
    event = {
        "headers": {"User-Agent": "x"},
        "requestContext": {
            "http": {"sourceIp": "203.0.113.9"},
            "requestId": "gateway",
            "authorizer": {"jwt": {"claims": {"sub": "u1"}}},
        },
    }
    invoke = Invoke(event, {"awsRequestId": "lambda"})
    assert (invoke.user_id, invoke.source_ip, invoke.request_id) == ("u1", "203.0.113.9", "lambda")
    assert invoke.headers == {"user-agent": "x"}


def test_it_reads_a_rest_api_event() -> None:
    event = {
        "headers": None,
        "requestContext": {
            "identity": {"sourceIp": "203.0.113.9"},
            "requestId": "gateway",
            "authorizer": {"claims": {"sub": "u1"}},
        },
    }
    invoke = Invoke(event, {})
    assert (invoke.user_id, invoke.source_ip, invoke.request_id) == ("u1", "203.0.113.9", "gateway")
    assert invoke.headers == {}


@pytest.mark.parametrize("event", [{}, {"requestContext": None}, {"requestContext": {"authorizer": "x"}}])
def test_an_event_without_an_authorizer_has_no_claims(event: dict[str, object]) -> None:
    assert Invoke(event, {}).claims == {}
    assert Invoke(event, {}).source_ip is None


def test_its_representation_shows_neither_headers_nor_claims(invoke_with: Callable[..., Invoke]) -> None:
    invoke = invoke_with({"sub": "u1", "email": "canary@example.com"}, {"authorization": "Bearer canary"})
    assert repr(invoke) == "Invoke(user_id='u1', request_id='r1')"


def test_a_refused_identity_is_raised_anew_for_each_who_asks(invoke_with: Callable[..., Invoke]) -> None:
    scope = {INVOKE: invoke_with(), IDENTITY_ERROR: UnauthorizedException("no")}
    raised: list[HttpException] = []
    for _ in range(2):
        with pytest.raises(HttpException) as caught:
            invoke_of(scope)
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    assert raised[0].status == 401
    assert raised[0].body() == UnauthorizedException("no").body()


def test_a_request_that_nothing_authenticated_is_anonymous() -> None:
    assert invoke_of({}).claims == {}
