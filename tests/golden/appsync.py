"""AppSync as the recorded service saw it: a server on this machine that takes every message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.golden.recordings import Scenario
from tests.notifications.conftest import LoopbackServer

REQUESTS = "AppSync HTTP requests"
"""How the label of a note begins that says what AppSync was asked, or how often."""
_COMPARED = ("content-type", "x-api-key")


@contextmanager
def appsync(scenario: Scenario) -> Iterator[LoopbackServer | None]:
    """The server, for scenarios in which AppSync was asked."""
    if not any(step.label.startswith(REQUESTS) for step in scenario.steps):
        yield None
        return
    server = LoopbackServer()
    server.text = '{"data":{"sendMessage":{"id":"x"}}}'
    try:
        yield server
    finally:
        server.close()


def api_key(scenario: Scenario) -> str | None:
    """The key that was sent along."""
    notes = [step.recorded["note"] for step in scenario.steps if step.label.startswith(REQUESTS)]
    requests = [request for note in notes if isinstance(note, list) for request in note]
    return next((request["headers"].get("x-api-key") for request in requests), None)


def recorded_requests(note: Any) -> Any:
    """What a note says, as far as it can be compared: the document of GraphQL may be laid out otherwise."""
    if not isinstance(note, list):
        return note
    return sorted((_shown(one["url"], one["headers"], one["body"]) for one in note), key=str)


def made_requests(server: LoopbackServer, note: Any) -> Any:
    """What AppSync was asked since the last note, in the form of that note."""
    asked = [_shown(one.path, one.headers, one.body.decode()) for one in server.asked]
    server.asked.clear()
    return sorted(asked, key=str) if isinstance(note, list) else len(asked)


def _shown(path: str, headers: dict[str, str], body: str) -> dict[str, Any]:
    content = json.loads(body)
    return {
        "path": path,
        "headers": {name: headers.get(name) for name in _COMPARED},
        "query": "".join(content["query"].split()),
        "variables": content["variables"],
    }
