"""The tables of the read model."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Integer, MetaData, String, Table, Text

from cqrs_nest.read_models.columns import KeyText, UtcDateTime

metadata = MetaData()

todos = Table(
    "todos",
    metadata,
    Column("pk", KeyText(128), primary_key=True),
    Column("sk", KeyText(64), primary_key=True),
    Column("id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("priority", Integer),
    Column("due_date", String(40)),
    Column("done", Boolean, nullable=False),
    Column("created_at", UtcDateTime),
    Column("updated_at", UtcDateTime),
)

todo_tags = Table(
    "todo_tags",
    metadata,
    Column("pk", KeyText(128), primary_key=True),
    Column("sk", KeyText(64), primary_key=True),
    Column("tag", String(50), primary_key=True),
    ForeignKeyConstraint(["pk", "sk"], ["todos.pk", "todos.sk"]),
)

todo_activities = Table(
    "todo_activities",
    metadata,
    Column("id", String(300), primary_key=True),
    Column("pk", KeyText(128), nullable=False),
    Column("sk", KeyText(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
)
