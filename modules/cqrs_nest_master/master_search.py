"""`MasterSearch`: what a search of settings and data needs of a read model."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from cqrs_nest.common import NotImplementedException
from cqrs_nest.http import Dto
from cqrs_nest_master.dto.data_dto import CustomMasterDataSearchDto
from cqrs_nest_master.dto.setting_dto import MasterSettingSearchDto


class MasterRow(Dto):
    """A row of the table `masters`."""

    id: str
    cpk: str | None
    csk: str | None
    pk: str
    sk: str
    master_type: str
    master_type_code: str
    master_code: str
    tenant_code: str
    seq: int | None
    code: str
    name: str
    version: int
    is_deleted: bool
    created_at: datetime | None
    created_by: str | None
    created_ip: str | None
    updated_at: datetime | None
    updated_by: str | None
    updated_ip: str | None
    attributes: Any


class MasterPage(Dto):
    """One page of what matches, and how much there is in all."""

    total: int
    items: list[MasterRow]


class MasterSearch(Protocol):
    """Finds settings and data of one tenant."""

    async def settings(self, tenant_code: str, dto: MasterSettingSearchDto) -> MasterPage:
        """Settings, the newest first unless the search says another order."""
        ...

    async def data(self, tenant_code: str, dto: CustomMasterDataSearchDto) -> MasterPage:
        """Data of settings that are not deleted, by `seq` and code unless the search says another order."""
        ...


class NoMasterSearch:
    """In the place of a read model, for an application without SQL."""

    async def settings(self, tenant_code: str, dto: MasterSettingSearchDto) -> MasterPage:
        """Raises NotImplementedException (501)."""
        raise _no_read_model()

    async def data(self, tenant_code: str, dto: CustomMasterDataSearchDto) -> MasterPage:
        """Raises NotImplementedException (501)."""
        raise _no_read_model()


def _no_read_model() -> NotImplementedException:
    return NotImplementedException(
        "This service keeps no read model of its master data: MasterModule(sql=True)"
    )
