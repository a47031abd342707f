"""What the service refuses, and that nothing is written then."""

from dataclasses import dataclass

from sample_app.demo.footprint import Footprints
from sample_app.demo.report import Report
from sample_app.demo.todo_client import TodoClient, TodoKey

_ULID = "01J9Z3K7Q8V5W2X4Y6Z8A0B2C4"


@dataclass(frozen=True)
class BadRequest:
    """A request that must not get through."""

    what: str
    status: int
    method: str
    path: str
    body: object = None


def bad_requests(key: TodoKey) -> list[BadRequest]:
    """Every way to ask wrongly that needs no other user."""
    return [
        BadRequest("invalid JSON", 400, "POST", "/api/todo", b'{"name": '),
        BadRequest("missing field", 400, "POST", "/api/todo", {"priority": 1}),
        BadRequest("wrong field", 400, "POST", "/api/todo", {"name": "x", "priority": 9}),
        BadRequest(
            "body over the limit", 413, "POST", "/api/todo", {"name": "x", "description": "y" * 200_000}
        ),
        BadRequest("unknown route", 404, "GET", "/api/todos"),
        BadRequest("deleted todo", 404, "PATCH", key.path, {"version": 4, "name": "x"}),
    ]


async def refuse(
    client: TodoClient,
    stranger: TodoClient,
    nobody: TodoClient,
    key: TodoKey,
    footprints: Footprints,
    report: Report,
) -> None:
    """Ask wrongly in every way and compare the tables before and after."""
    report.stage("Refused, and nothing written")
    await client.ask("POST", "/api/todo", {"name": "Once"}, idempotency_key=_ULID)
    await footprints.messages()
    before = await footprints.counts()
    for bad in bad_requests(key):
        answer = await client.ask(bad.method, bad.path, bad.body)
        report.check(bad.what, answer.status == bad.status, answer.status, answer.message)
    answer = await client.ask("POST", "/api/todo", {"name": "Twice"}, idempotency_key=_ULID)
    report.check("duplicate create", answer.status == 409, answer.status, answer.message)
    answer = await nobody.ask("POST", "/api/todo", {"name": "x"})
    report.check("no token", answer.status == 401, answer.status, answer.message)
    for method, body in {"GET": None, "PATCH": {"version": 1, "name": "x"}}.items():
        answer = await stranger.ask(method, key.path, body)
        report.check(f"other tenant {method}", answer.status == 403, answer.status, answer.message)
    after = await footprints.counts()
    report.check("nothing written", before == after, after)
