"""What must not get through: the answer has Nest's error body, and nothing is written."""

from collections.abc import Callable
from typing import Any

import pytest

ULID = "01J9Z3K7Q8V5W2X4Y6Z8A0B2C4"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("request_", "status", "error", "message"),
    [
        pytest.param(
            {"content": b'{"name": ', "headers": JSON}, 400, "Bad Request", "JSON", id="invalid JSON"
        ),
        pytest.param({"json": {"priority": 1}}, 400, "Bad Request", "name", id="missing field"),
        pytest.param({"json": {"name": 7}}, 400, "Bad Request", "name", id="field of a wrong type"),
        pytest.param(
            {"json": {"name": "x", "priority": 6}}, 400, "Bad Request", "priority", id="field out of range"
        ),
        pytest.param({"json": {"name": "x", "tags": "a"}}, 400, "Bad Request", "tags", id="text for a list"),
        pytest.param({"json": {"name": "x", "dueDate": "soon"}}, 400, "Bad Request", "dueDate", id="no date"),
        pytest.param({"json": [1]}, 400, "Bad Request", "", id="no object"),
        pytest.param(
            {"json": {"name": "x"}, "headers": {"idempotency-key": "no ulid"}},
            400,
            "Bad Request",
            "",
            id="no ULID as the key",
        ),
        pytest.param(
            {"json": {"name": "x", "description": "y" * 150_000}},
            413,
            None,  # as Nest answers for a body parser's refusal
            "too large",
            id="body over the limit",
        ),
    ],
)
def test_a_bad_body_is_refused(
    service: Any, request_: dict[str, Any], status: int, error: str | None, message: str
) -> None:
    before = service.rows()
    response = service.ask("POST", "/api/todo", **request_)
    body = response.json()
    assert response.status_code == status
    assert body["statusCode"] == status
    assert body.get("error") == error
    assert message.lower() in str(body["message"]).lower()
    assert service.rows() == before


def test_an_unknown_route_is_not_found(service: Any) -> None:
    response = service.ask("GET", "/api/todos")
    assert response.json() == {"message": "Cannot GET /api/todos", "error": "Not Found", "statusCode": 404}


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("PATCH", "", {"version": 1, "name": "late"}),
        ("POST", "/complete", {"version": 1}),
        ("DELETE", "?version=1", None),
        ("PATCH", "", {"version": 9, "name": "early"}),
    ],
)
def test_a_version_that_is_not_the_newest_is_a_conflict(
    service: Any, todo_path: Callable[[Any], str], method: str, suffix: str, body: dict[str, Any] | None
) -> None:
    path = todo_path(service.create())
    assert service.ask("PATCH", path, json={"version": 1, "name": "Second"}).status_code == 200
    before = service.rows()
    response = service.ask(method, f"{path}{suffix}", json=body)
    assert response.status_code == 409
    assert (response.json()["statusCode"], response.json()["error"]) == (409, "Conflict")
    assert service.rows() == before


def test_a_repeated_create_is_a_conflict(service: Any) -> None:
    first = service.ask("POST", "/api/todo", json={"name": "Once"}, headers={"idempotency-key": ULID})
    assert (first.status_code, first.json()["sk"]) == (201, f"{ULID}@1")
    before = service.rows()
    second = service.ask("POST", "/api/todo", json={"name": "Twice"}, headers={"idempotency-key": ULID})
    assert second.status_code == 409
    assert (second.json()["statusCode"], second.json()["error"]) == (409, "Conflict")
    assert service.rows() == before


def test_without_a_valid_token_nothing_is_done(service: Any, todo_path: Callable[[Any], str]) -> None:
    path = todo_path(service.create())
    before = service.rows()
    forged = service.token[:-8] + "AAAAAAAA"
    for headers in ({}, {"authorization": f"Bearer {forged}"}, {"authorization": "Bearer nonsense"}):
        for method, target, body in (
            ("POST", "/api/todo", {"name": "x"}),
            ("GET", path, None),
            ("PATCH", path, {"version": 1, "name": "x"}),
            ("DELETE", f"{path}?version=1", None),
            ("GET", "/api/todo/search", None),
        ):
            response = service.http.request(method, target, json=body, headers=headers)
            assert (response.status_code, response.json()["statusCode"]) == (401, 401), (method, target)
    assert service.rows() == before


def test_another_tenant_can_neither_see_nor_change_a_todo(
    service: Any, stranger: str, todo_path: Callable[[Any], str]
) -> None:
    path = todo_path(service.create(name="Only ours"))
    before = service.rows()
    for method, target, body in (
        ("GET", path, None),
        ("GET", f"{path}/history", None),
        ("PATCH", path, {"version": 1, "name": "theirs"}),
        ("POST", f"{path}/complete", {"version": 1}),
        ("DELETE", f"{path}?version=1", None),
    ):
        response = service.ask(method, target, token=stranger, json=body)
        assert (response.status_code, response.json()["error"]) == (403, "Forbidden"), (method, target)
        assert "Only ours" not in response.text
    assert service.rows() == before
    assert service.ask("GET", "/api/todo", token=stranger).json() == {"items": [], "lastSk": None}
    assert service.ask("GET", "/api/todo/search", token=stranger).json() == {"total": 0, "items": []}


def test_an_unknown_todo_is_not_found(service: Any) -> None:
    path = f"/api/todo/TODO%23acme/{ULID[:-1]}Z"
    for method, target, body in (
        ("GET", path, None),
        ("GET", f"{path}/history", None),
        ("PATCH", path, {"version": 1, "name": "x"}),
        ("DELETE", f"{path}?version=1", None),
    ):
        response = service.ask(method, target, json=body)
        assert (response.status_code, response.json()["error"]) == (404, "Not Found"), (method, target)


def test_what_stands_behind_a_sort_key_and_is_no_version_is_no_todo(
    service: Any, todo_path: Callable[[Any], str]
) -> None:
    path = todo_path(service.create())
    assert service.ask("GET", f"{path}%401").status_code == 200
    assert service.ask("GET", f"{path}%40garbage").status_code == 404


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=x", "order=up"])
def test_a_bad_query_is_refused(service: Any, query: str) -> None:
    response = service.ask("GET", f"/api/todo?{query}")
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    "path", ["?pageSize=&startFromSk=&order=", "/search?keyword=&tag=&done=&page=&pageSize=&orderBys="]
)
def test_empty_values_in_a_query_stand_for_none(service: Any, path: str) -> None:
    service.create()
    assert (
        service.ask("GET", f"/api/todo{path}").json()
        == service.ask("GET", f"/api/todo{path.partition('?')[0]}").json()
    )


def test_an_unknown_order_is_refused(service: Any) -> None:
    response = service.ask("GET", "/api/todo/search?orderBys=pk")
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")
