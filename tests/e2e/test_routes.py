"""Every route of the sample application, over a socket."""

from collections.abc import Callable
from typing import Any

Path = Callable[[dict[str, Any]], str]


def test_create_answers_with_the_command(service: Any) -> None:
    todo = {"name": "Buy milk", "description": "two", "priority": 2, "tags": ["a"], "dueDate": "2030-01-31"}
    response = service.ask("POST", "/api/todo", json=todo)
    command = response.json()
    assert response.status_code == 201
    assert command["pk"] == "TODO#acme"
    assert command["sk"] == f"{command['code']}@1"
    assert command["id"] == f"TODO#acme#{command['code']}"
    assert (command["type"], command["version"], command["tenantCode"]) == ("TODO", 1, "acme")
    assert command["createdBy"] == "developer"
    assert command["attributes"] == {
        "done": False, "description": "two", "priority": 2, "tags": ["a"], "dueDate": "2030-01-31"
    }  # fmt: skip


def test_get_reads_the_item(service: Any, todo_path: Path) -> None:
    command = service.create(name="Read me")
    item = service.ask("GET", todo_path(command)).json()
    assert (item["sk"], item["csk"], item["name"], item["version"]) == (
        command["code"], command["sk"], "Read me", 1
    )  # fmt: skip
    versioned = todo_path(command).replace(command["code"], command["sk"].replace("@", "%40"))
    assert service.ask("GET", versioned).json() == item


def test_patch_changes_what_is_sent_and_keeps_the_rest(service: Any, todo_path: Path) -> None:
    command = service.create(priority=1, tags=["a"])
    path = todo_path(command)
    response = service.ask("PATCH", path, json={"version": 1, "name": "Renamed", "priority": 4})
    assert (response.status_code, response.json()["version"]) == (200, 2)
    service.wait_until(lambda: service.ask("GET", path).json()["version"] == 2)
    item = service.ask("GET", path).json()
    assert item["name"] == "Renamed"
    assert item["attributes"] == {"done": False, "priority": 4, "tags": ["a"]}


def test_changes_do_not_wait_for_the_read_side(service: Any, todo_path: Path) -> None:
    path = todo_path(service.ask("POST", "/api/todo", json={"name": "Hurry"}).json())
    versions = [
        service.ask("PATCH", path, json={"version": n, "name": f"Hurry {n}"}).json()["version"]
        for n in (1, 2, 3)
    ]
    assert versions == [2, 3, 4]
    service.wait_until(lambda: service.ask("GET", path).json().get("version") == 4)


def test_complete(service: Any, todo_path: Path) -> None:
    command = service.create()
    response = service.ask("POST", f"{todo_path(command)}/complete", json={"version": 1})
    assert (response.status_code, response.json()["attributes"]["done"]) == (200, True)


def test_delete_hides_the_todo_and_keeps_its_history(service: Any, todo_path: Path) -> None:
    command = service.create(name="Short-lived")
    path = todo_path(command)
    assert service.ask("DELETE", f"{path}?version=1").status_code == 200
    service.wait_until(lambda: service.ask("GET", path).status_code == 404)
    assert service.ask("PATCH", path, json={"version": 2, "name": "Alive"}).status_code == 404

    versions = service.ask("GET", f"{path}/history").json()["items"]
    assert [(item["version"], item["isDeleted"], item["updatedBy"]) for item in versions] == [
        (2, True, "developer"),
        (1, False, "developer"),
    ]
    assert all(item["updatedAt"].endswith("Z") for item in versions)


def test_list_pages_through_the_tenant(service: Any) -> None:
    created = [service.create()["code"] for _ in range(3)]
    listed: list[str] = []
    start = ""
    while True:
        page = service.ask("GET", f"/api/todo?pageSize=2{start}").json()
        listed += [item["sk"] for item in page["items"]]
        if page["lastSk"] is None:
            break
        start = f"&startFromSk={page['lastSk']}"
    assert listed == sorted(listed)
    assert set(created) <= set(listed)
    newest = service.ask("GET", "/api/todo?pageSize=1&order=desc").json()["items"]
    assert [item["sk"] for item in newest] == listed[-1:]


def test_search_filters_orders_and_counts(service: Any) -> None:
    for name, tags in {"Zebra crossing": ["striped", "road"], "Zebra finch": ["striped"]}.items():
        service.create(name=name, tags=tags)

    def find(query: str) -> Any:
        return service.ask("GET", f"/api/todo/search?{query}").json()

    service.wait_until(lambda: find("keyword=zebra")["total"] == 2)
    assert [todo["name"] for todo in find("keyword=ZEBRA&orderBys=-name")["items"]] == [
        "Zebra finch",
        "Zebra crossing",
    ]
    assert find("tag=road")["items"][0]["tags"] == ["road", "striped"]
    assert find("keyword=zebra&done=true") == {"total": 0, "items": []}
    page = find("keyword=zebra&pageSize=1&page=2&orderBys=name")
    assert (page["total"], [todo["name"] for todo in page["items"]]) == (2, ["Zebra finch"])


def test_the_documentation_is_served(service: Any) -> None:
    page = service.http.get("/swagger-ui", follow_redirects=True)
    assert page.status_code == 200
    assert "swagger" in page.text.lower()


def test_a_request_is_one_line_in_the_log(service: Any, todo_path: Path) -> None:
    path = todo_path(service.create())
    service.ask("GET", f"{path}?token=secret")
    lines = [line for line in service.program.errors().splitlines() if "[HTTP]" in line]
    assert any(f"GET {path} 200" in line for line in lines)
    assert "secret" not in service.program.errors()
