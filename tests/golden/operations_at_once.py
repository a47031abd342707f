"""A recorded publish that many made at once: how many went through, and how the others ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from cqrs_nest.aws.dynamodb import deserialize_item
from tests.golden.operations import PK, Call
from tests.golden.outcomes import encode_error
from tests.golden.recordings import Step


async def at_once(run: Callable[[Call], Awaitable[Any]], call: Call, times: int) -> dict[str, int]:
    """Run a publish so many times. Neither its input nor the state was recorded, but how they ended.

    The label says what they did: creating an item, or updating with the newest version.
    """
    runs = (run(replace(call, step=_numbered(call, number))) for number in range(times))
    results = await asyncio.gather(*runs, return_exceptions=True)
    return dict(Counter(map(_ending, results)))


def _ending(result: Any) -> str:
    if not isinstance(result, Exception):
        return "ok"
    error = encode_error(result)["$error"]
    return f"{error['http']['status']} {error['name']}"


def _numbered(call: Call, number: int) -> Step:
    recorded, label = call.step.recorded, call.step.label.lower()
    if "input" in recorded["args"]:
        return call.step
    table = f"local-demo-{call.step.table}-data"
    rows = [deserialize_item(row) for (name, _, _), row in call.before.items() if name == table]
    if "create" in label or not rows:
        item = {"pk": PK, "sk": "AT-ONCE", "id": f"{PK}#AT-ONCE", "version": 0}
    else:
        item = {name: rows[0][name] for name in ("pk", "sk", "id", "version")}
    version = -1 if "latest" in label else item["version"]
    input = {**item, "version": version, "name": f"by {number}"}
    return Step({**recorded, "args": {"input": input, "options": {}}})
