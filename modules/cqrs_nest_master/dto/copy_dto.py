"""Copying a setting, its data or both to other tenants."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cqrs_nest.commands import TenantCode
from cqrs_nest.http import Dto
from cqrs_nest_master.dto.texts import MAX_BULK


class CopyType(StrEnum):
    """What is copied."""

    SETTING_ONLY = "SETTING_ONLY"
    DATA_ONLY = "DATA_ONLY"
    BOTH = "BOTH"


class DataCopyMode(StrEnum):
    """Which data are copied."""

    ALL = "ALL"
    PARTIAL = "PARTIAL"


class DataCopyOptionDto(Dto):
    """All data of the setting, or those with the given ids."""

    mode: DataCopyMode
    id: list[str] | None = None


class MasterCopyDto(Dto):
    """The body of `POST /api/master-setting/copy`."""

    master_setting_id: str
    target_tenants: Annotated[list[TenantCode], Field(min_length=1, max_length=MAX_BULK)]
    copy_type: CopyType
    data_copy_option: DataCopyOptionDto | None = None
