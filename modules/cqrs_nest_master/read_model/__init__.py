"""The table `masters` in SQL: how it is kept and searched. SQLAlchemy is imported with the table only."""

from typing import TYPE_CHECKING, Any

from cqrs_nest_master.read_model.master_projection import MasterProjection
from cqrs_nest_master.read_model.sql_master_search import SqlMasterSearch

if TYPE_CHECKING:
    from cqrs_nest_master.read_model.masters_table import masters, metadata

__all__ = ["MasterProjection", "SqlMasterSearch", "masters", "metadata"]


def __getattr__(name: str) -> Any:
    """`masters` and `metadata`, when they are first asked for."""
    if name not in ("masters", "metadata"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cqrs_nest_master.read_model import masters_table

    return getattr(masters_table, name)
