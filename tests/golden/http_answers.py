"""Requests seen as calls of services, for the rules, and what those expect as answers again."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from tests.golden.http_steps import from_http, service_step
from tests.golden.recordings import Step
from tests.golden.replay import Observation, Replayed

JSON = "application/json; charset=utf-8"


def as_service(replayed: Replayed) -> Replayed:
    """A request as the call of a service that it comes to, with what was recorded and what came of it."""
    step = service_step(replayed.step)
    if step is replayed.step:
        return replayed
    recorded = _with_result(replayed.recorded, from_http)
    is_same = replayed.actual is replayed.recorded
    actual = recorded if is_same else _with_result(replayed.actual, from_http)
    return replace(replayed, step=step, recorded=recorded, actual=actual)


def as_request(expected: Observation, replayed: Replayed) -> Observation:
    """What is expected of a service as the answer to the request."""
    answer = replayed.recorded.result
    result = expected.result
    if isinstance(result, dict) and "$error" in result:
        http = result["$error"]["http"]
        content = {"status": http["status"], "contentType": JSON, "body": http["body"]}
    elif result is None:
        content = {**answer, "contentType": None, "body": ""}
    else:
        status = answer["status"] if answer["status"] < 400 else _success(replayed.step)
        content = {"status": status, "contentType": JSON, "body": _with_texts(result)}
    return replace(expected, result=content)


def _success(step: Step) -> int:
    return HTTPStatus.CREATED if step.recorded["args"]["method"] == "POST" else HTTPStatus.OK


def _with_result(observation: Observation, change: Any) -> Observation:
    return replace(observation, result=change(observation.result))


def _with_texts(value: Any) -> Any:
    match value:
        case {"$date": text}:
            return text
        case dict():
            return {name: _with_texts(item) for name, item in value.items()}
        case list():
            return [_with_texts(item) for item in value]
    return value
