"""The table `masters`, with the columns of the TypeScript module's."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from cqrs_nest.read_models.columns import KeyText, UtcDateTime

metadata = MetaData()
"""Named to `SqlModule.register` as "cqrs_nest_master.read_model:metadata"; the projection finds it there."""

masters = Table(
    "masters",
    metadata,
    Column("pk", KeyText(128), primary_key=True),
    Column("sk", KeyText(512), primary_key=True),
    Column("id", String(700), nullable=False, unique=True),
    Column("cpk", KeyText(128)),
    Column("csk", KeyText(530)),
    Column("master_type", String(20), nullable=False),
    Column("master_type_code", String(200), nullable=False),
    Column("master_code", String(200), nullable=False),
    Column("tenant_code", String(100), nullable=False),
    Column("seq", Integer),
    Column("code", String(512), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime),
    Column("created_by", String(200)),
    Column("created_ip", String(60)),
    Column("updated_at", UtcDateTime),
    Column("updated_by", String(200)),
    Column("updated_ip", String(60)),
    Column("attributes", JSON),
    UniqueConstraint("cpk", "csk"),
    # Not unique: every group's setting of a tenant has the master code GROUP.
    Index("masters_by_type", "tenant_code", "master_type", "master_type_code", "master_code"),
)
