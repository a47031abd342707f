"""The stages of the demo: one todo from its creation to its deletion, and what is refused."""

import json
from typing import Any

from sample_app.demo.footprint import Footprint, Footprints
from sample_app.demo.report import Report, pick
from sample_app.demo.todo_client import Answer, TodoClient, TodoKey

FINISHED = "finish:FINISHED"


class Story:
    """Sends requests as a user and checks each place where something must have come of them."""

    def __init__(self, client: TodoClient, footprints: Footprints, report: Report, user: str) -> None:
        self._client = client
        self._footprints = footprints
        self._report = report
        self._user = user

    async def tell(self) -> TodoKey:
        """All stages in order; the key of the todo they are about."""
        key = await self._create()
        await self._update(key)
        await self._update_a_stale_version(key)
        await self._complete(key)
        await self._read(key)
        await self._list(key)
        await self._search(key)
        await self._delete(key)
        return key

    async def _create(self) -> TodoKey:
        self._report.stage("Create: POST /api/todo")
        todo = {
            "name": "Buy milk",
            "description": "two litres",
            "priority": 2,
            "tags": ["home", "shop"],
            "dueDate": "2030-01-31",
        }
        answer = await self._client.ask("POST", "/api/todo", todo)
        self._check_command(answer, 201, version=1)
        key = TodoKey.of(answer.body)
        left = await self._footprints.of_todo(key.pk, key.sk)
        self._check_rows(left, versions=1)
        event = await self._check_messages(key, "TODO.created")
        self._report.say(f"as the subscriber's queue received it: {json.dumps(event, ensure_ascii=False)}")
        self._check_sql(left, name="Buy milk", priority=2, version=1, tags=["home", "shop"])
        self._check_activity(left, f"{self._user} created 'Buy milk'")
        return key

    async def _update(self, key: TodoKey) -> None:
        self._report.stage("Update: PATCH /api/todo/:pk/:sk")
        change = {"version": 1, "name": "Buy oat milk", "tags": ["shop"]}
        self._check_command(await self._client.ask("PATCH", key.path, change), 200, version=2)
        left = await self._footprints.of_todo(key.pk, key.sk)
        self._check_rows(left, versions=2)
        await self._check_messages(key, "TODO.updated")
        self._check_sql(left, name="Buy oat milk", priority=2, version=2, tags=["shop"])
        self._check_activity(left, f"{self._user} updated 'Buy oat milk'")

    async def _update_a_stale_version(self, key: TodoKey) -> None:
        self._report.stage("Stale update: PATCH with version 1 again")
        before = await self._footprints.counts()
        answer = await self._client.ask("PATCH", key.path, {"version": 1, "name": "Buy soy milk"})
        self._report.check("response", answer.status == 409, answer.status, answer.message)
        after = await self._footprints.counts()
        self._report.check("nothing written", before == after, after)
        messages = await self._footprints.messages()
        self._report.check("SNS messages", not messages, f"{len(messages)} received")

    async def _complete(self, key: TodoKey) -> None:
        self._report.stage("Complete: POST /api/todo/:pk/:sk/complete")
        answer = await self._client.ask("POST", f"{key.path}/complete", {"version": 2})
        self._check_command(answer, 200, version=3)
        left = await self._footprints.of_todo(key.pk, key.sk)
        self._check_rows(left, versions=3)
        await self._check_messages(key, "TODO.updated")
        self._check_sql(left, done=True, version=3, tags=["shop"])

    async def _read(self, key: TodoKey) -> None:
        self._report.stage("Get: GET /api/todo/:pk/:sk, from DynamoDB")
        answer = await self._client.ask("GET", key.path)
        seen = pick(answer.body, "sk", "version", "name", "attributes")
        expected = {
            "done": True,
            "description": "two litres",
            "priority": 2,
            "tags": ["shop"],
            "dueDate": "2030-01-31",
        }
        holds = answer.status == 200 and seen.get("version") == 3 and seen.get("attributes") == expected
        self._report.check("response", holds, answer.status, seen)

    async def _list(self, key: TodoKey) -> None:
        self._report.stage("List: GET /api/todo, by partition key")
        second = await self._client.ask("POST", "/api/todo", {"name": "Walk the dog", "tags": ["home"]})
        other = TodoKey.of(second.body)
        await self._footprints.messages()
        first_page = await self._client.ask("GET", "/api/todo?pageSize=1&order=asc")
        self._check_page(first_page, [key.sk], "first page")
        rest = await self._client.ask("GET", f"/api/todo?pageSize=9&startFromSk={first_page.body['lastSk']}")
        self._check_page(rest, [other.sk], "next page")
        self._report.check("end", rest.body["lastSk"] is None, {"lastSk": rest.body["lastSk"]})

    async def _search(self, key: TodoKey) -> None:
        self._report.stage("Search: GET /api/todo/search, from SQL")
        for query, names in {
            "keyword=MILK": ["Buy oat milk"],
            "tag=home": ["Walk the dog"],
            "done=true": ["Buy oat milk"],
            "orderBys=-name&pageSize=1": ["Walk the dog"],
        }.items():
            answer = await self._client.ask("GET", f"/api/todo/search?{query}")
            found = [todo["name"] for todo in answer.body["items"]]
            total = 2 if "pageSize" in query else len(names)
            holds = answer.status == 200 and found == names and answer.body["total"] == total
            self._report.check(
                query.partition("&")[0], holds, {"total": answer.body["total"], "names": found}
            )

    async def _delete(self, key: TodoKey) -> None:
        self._report.stage("Delete: DELETE /api/todo/:pk/:sk?version=3")
        self._check_command(await self._client.ask("DELETE", f"{key.path}?version=3"), 200, version=4)
        left = await self._footprints.of_todo(key.pk, key.sk)
        self._check_rows(left, versions=4)
        await self._check_messages(key, "TODO.deleted")
        self._report.check("SQL row", (left.sql, left.tags) == (None, []), "gone, with its tags")
        self._check_activity(left, f"{self._user} deleted 'Buy oat milk'")
        gone = await self._client.ask("GET", key.path)
        self._report.check("get", gone.status == 404, gone.status, gone.message)
        found = await self._client.ask("GET", "/api/todo/search?keyword=milk")
        self._report.check("search", found.body["total"] == 0, {"total": found.body["total"]})
        await self._show_history(key)

    async def _show_history(self, key: TodoKey) -> None:
        answer = await self._client.ask("GET", f"{key.path}/history")
        versions = answer.body["items"]
        self._report.check(
            "history", [item["version"] for item in versions] == [4, 3, 2, 1], f"{len(versions)} versions"
        )
        rows = [
            [f"{item[name]}" for name in ("version", "name", "isDeleted", "updatedBy", "updatedAt")]
            for item in versions
        ]
        self._report.table(["version", "name", "deleted", "who", "when"], rows)

    def _check_command(self, answer: Answer, status: int, version: int) -> None:
        holds = answer.status == status and answer.body.get("version") == version
        seen = pick(answer.body, "pk", "sk", "version", "createdBy", "message")
        self._report.check("response", holds, answer.status, seen)

    def _check_page(self, answer: Answer, sks: list[str], what: str) -> None:
        found = [todo["sk"] for todo in answer.body["items"]]
        self._report.check(what, answer.status == 200 and found == sks, {"sks": found})

    def _check_rows(self, left: Footprint, versions: int) -> None:
        statuses = {row["sk"]: row.get("status") for row in left.commands}
        holds = list(statuses.values()) == [FINISHED] * versions
        self._report.check("command rows", holds, statuses)
        data = pick(left.data, "sk", "version", "csk", "updatedBy")
        holds = data.get("version") == versions and data.get("updatedBy") == self._user
        self._report.check("data row", holds, data)
        history = [int(row["version"]) for row in left.history]
        self._report.check("history rows", history == list(range(1, versions)), {"versions": history})

    async def _check_messages(self, key: TodoKey, event_type: str) -> dict[str, Any]:
        messages = [message for message in await self._footprints.messages() if message["pk"] == key.pk]
        events = [message for message in messages if message["action"] == "domain-event"]
        holds = [event["eventType"] for event in events] == [event_type]
        seen = pick(
            events[0] if events else None, "action", "eventType", "sk", "version", "tenantCode", "userId"
        )
        self._report.check("SNS event", holds, seen)
        statuses = [
            message["content"]["status"] for message in messages if message["action"] == "command-status"
        ]
        self._report.check("SNS statuses", statuses[-1:] == [FINISHED], statuses)
        return events[0]

    def _check_sql(self, left: Footprint, tags: list[str], **expected: Any) -> None:
        row = dict(left.sql or {})
        holds = left.tags == tags and all(row.get(name) == value for name, value in expected.items())
        seen = {**pick(row, "name", "priority", "done", "version"), "tags": left.tags}
        self._report.check("SQL row", holds, seen)

    def _check_activity(self, left: Footprint, text: str) -> None:
        self._report.check("activity log", list(left.activities[-1:]) == [text], left.activities[-1:])
