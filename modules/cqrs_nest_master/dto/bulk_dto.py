"""Settings and data in one request."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cqrs_nest.commands import TenantCode
from cqrs_nest.http import Dto
from cqrs_nest_master.dto.texts import MAX_BULK, Code, Seq


class MasterBulkItemDto(Dto):
    """With a `settingCode` an entry of that setting's data, without one a setting."""

    name: str
    code: Code
    tenant_code: TenantCode | None = None
    setting_code: Code | None = None
    seq: Seq | None = None
    attributes: dict[str, Any]


class MasterBulkDto(Dto):
    """The body of `POST /api/master-bulk`."""

    items: Annotated[list[MasterBulkItemDto], Field(min_length=1, max_length=MAX_BULK)]
