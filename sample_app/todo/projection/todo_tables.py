"""The tables of the read model."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKeyConstraint, Integer, MetaData, String, Table, Text

metadata = MetaData()

todos = Table(
    "todos",
    metadata,
    Column("pk", String(128), primary_key=True),
    Column("sk", String(64), primary_key=True),
    Column("id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("priority", Integer),
    Column("due_date", String(40)),
    Column("done", Boolean, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)),
)

todo_tags = Table(
    "todo_tags",
    metadata,
    Column("pk", String(128), primary_key=True),
    Column("sk", String(64), primary_key=True),
    Column("tag", String(50), primary_key=True),
    ForeignKeyConstraint(["pk", "sk"], ["todos.pk", "todos.sk"]),
)

todo_activities = Table(
    "todo_activities",
    metadata,
    Column("id", String(300), primary_key=True),
    Column("pk", String(128), nullable=False),
    Column("sk", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
)
