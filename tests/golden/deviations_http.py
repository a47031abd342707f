"""What requests are answered differently; the reasons are in deviations.yaml."""

from __future__ import annotations

from typing import Any

from tests.golden.deviations import NAMES, adjustment
from tests.golden.http_answers import JSON
from tests.golden.http_steps import TOKEN_SECONDS, token_of
from tests.golden.replay import Observation, Replayed


def shown_context(result: Any) -> dict[str, Any]:
    """The invocation context that an answer shows; empty when it shows none."""
    body = result.get("body") if isinstance(result, dict) else None
    context: dict[str, Any] = body.get("invokeContext") or {} if isinstance(body, dict) else {}
    return context


NAMES.update(shown_context=shown_context)


@adjustment
def no_such_route(replayed: Replayed, expected: Observation) -> None:
    given = replayed.step.recorded["args"]
    message = f"Cannot {given['method']} {given['path']}"
    body = {"message": message, "error": "Not Found", "statusCode": 404}
    expected.result = {"status": 404, "contentType": JSON, "body": body}
    expected.rows, expected.messages = replayed.before, []


@adjustment
def no_credentials(replayed: Replayed, expected: Observation) -> None:
    event = shown_context(expected.result)["event"]
    del event["headers"]["authorization"]
    event |= {"version": "2.0", "rawQueryString": ""}
    now = int(replayed.step.clock.timestamp())
    verified = {"iat": now, "exp": now + TOKEN_SECONDS, "iss": ISSUER, "aud": ISSUER}
    event["requestContext"]["authorizer"]["jwt"]["claims"] |= verified


ISSUER = "cqrs-nest-development"


def is_unverified(replayed: Replayed) -> bool:
    """Whether a request brought a token without a signature."""
    return token_of(replayed.step).endswith(".")


NAMES.update(is_unverified=is_unverified)
