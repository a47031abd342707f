"""What requests have left behind in tables, queues and SQL, read past the application."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, Item
from cqrs_nest.local import LocalRuntime, Queue
from cqrs_nest.read_models import SqlDatabase
from sample_app.todo.events.activity_log import ActivityLog
from sample_app.todo.projection.todo_tables import todo_tags, todos
from sample_app.todo.todo_key import TODO_TABLE

SUBSCRIBER = Queue("demo-subscriber")
"""Another service's queue: it gets every message of the topic, raw."""


@dataclass(frozen=True)
class Footprint:
    """Everything there is of one todo."""

    commands: Sequence[Item]
    """The command rows by version."""
    data: Item | None
    history: Sequence[Item]
    sql: dict[str, Any] | None
    tags: Sequence[str]
    activities: Sequence[str]


class Footprints:
    """Reads what is there, once everything that was under way has arrived."""

    def __init__(self, runtime: LocalRuntime, subscriber_url: str) -> None:
        self._runtime = runtime
        self._subscriber_url = subscriber_url
        self._dynamodb = runtime.app.get(DynamoDbService)
        self._database = runtime.app.get(SqlDatabase)
        self._activity_log = runtime.app.get(ActivityLog)

    async def of_todo(self, pk: str, sk: str) -> Footprint:
        """The rows of one todo in every table."""
        await self._runtime.drain()
        activities = await self._activity_log.of_todo(pk, sk)
        return Footprint(
            commands=await self._versions("command", pk, sk),
            data=await self._dynamodb.get_item(self._table("data"), {"pk": pk, "sk": sk}),
            history=await self._versions("history", pk, sk),
            sql=await self._sql_row(pk, sk),
            tags=await self._sql_tags(pk, sk),
            activities=[activity["text"] for activity in activities],
        )

    async def messages(self) -> list[dict[str, Any]]:
        """The messages that the subscriber has received since the last time."""
        await self._runtime.drain()
        bodies: list[dict[str, Any]] = []
        while received := await self._receive():
            bodies += [json.loads(message["Body"]) for message in received]
        return bodies

    async def counts(self) -> dict[str, int]:
        """How many rows each table holds: equal counts mean that nothing was written."""
        await self._runtime.drain()
        tables = [self._table(kind) for kind in ("command", "data", "history")]
        rows = {table: len((await self._dynamodb.scan(table)).items) for table in tables}
        async with self._database.connect() as connection:
            for table in (todos, todo_tags):
                rows[table.name] = await connection.scalar(_count(table)) or 0
        return rows

    async def _receive(self) -> list[dict[str, Any]]:
        url = self._subscriber_url
        answer = await self._runtime.session.call(
            "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        for message in messages:
            handle = message["ReceiptHandle"]
            await self._runtime.session.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=handle)
        return messages

    async def _versions(self, kind: str, pk: str, sk: str) -> list[Item]:
        versions = Condition("begins_with(sk, :prefix)", {":prefix": f"{sk}@"})
        rows = [row async for row in self._dynamodb.query_all(self._table(kind), pk, sk=versions)]
        return sorted(rows, key=lambda row: int(row["version"]))

    async def _sql_row(self, pk: str, sk: str) -> dict[str, Any] | None:
        async with self._database.connect() as connection:
            result = await connection.execute(select(todos).where(todos.c.pk == pk, todos.c.sk == sk))
            row = result.mappings().one_or_none()
            return dict(row) if row else None

    async def _sql_tags(self, pk: str, sk: str) -> list[str]:
        statement = select(todo_tags.c.tag).where(todo_tags.c.pk == pk, todo_tags.c.sk == sk)
        async with self._database.connect() as connection:
            return list(await connection.scalars(statement.order_by(todo_tags.c.tag)))

    def _table(self, kind: str) -> str:
        return self._dynamodb.get_table_name(TODO_TABLE, kind)


def _count(table: Table) -> Any:
    return select(func.count()).select_from(table)
