"""The service whose read model `benchmarks.rebuild` rebuilds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, MetaData, String, Table

from cqrs_nest.app import CqrsNest
from cqrs_nest.common import Module
from cqrs_nest.cqrs import CommandModel, CqrsModule
from cqrs_nest.read_models import Projection, SqlModule, SqlProjection, SqlRow
from cqrs_nest.read_models.columns import KeyText, UtcDateTime

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("pk", KeyText(100), primary_key=True),
    Column("sk", KeyText(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", String(100), nullable=False),
    Column("priority", Integer),
    Column("created_at", UtcDateTime),
    Column("created_by", String(100)),
    Column("updated_at", UtcDateTime),
    Index("ix_notes_name", "name"),
)
note_tags = Table(
    "note_tags",
    metadata,
    Column("pk", KeyText(100), primary_key=True),
    Column("sk", KeyText(100), primary_key=True),
    Column("tag", String(50), primary_key=True),
    ForeignKeyConstraint(["pk", "sk"], ["notes.pk", "notes.sk"]),
)


@Projection("note", table=notes, details=[note_tags])
class NoteProjection(SqlProjection):
    """Keeps one row a note, with its tags."""

    def details(self, command: CommandModel) -> Mapping[Table, Sequence[SqlRow]]:
        """A row for each tag."""
        return {note_tags: [{"tag": tag} for tag in command.attributes["tags"]]}


@Module(
    imports=[
        CqrsModule.register(table_name="note", data_sync_handlers=[NoteProjection]),
        SqlModule.register(metadata, create_tables=True),
    ]
)
class NoteModule:
    """Notes."""


app = CqrsNest.asgi(NoteModule)
