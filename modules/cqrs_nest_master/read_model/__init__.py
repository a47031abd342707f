"""The table `masters` in SQL: how it is kept and searched. Imports SQLAlchemy."""

from cqrs_nest_master.read_model.master_projection import MasterProjection
from cqrs_nest_master.read_model.masters_table import masters, metadata
from cqrs_nest_master.read_model.sql_master_search import SqlMasterSearch

__all__ = ["MasterProjection", "SqlMasterSearch", "masters", "metadata"]
