from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import CommandModel
from cqrs_nest.common import ApiTags, Body, Controller, Post
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles
from cqrs_nest_master.controllers.tenant_checks import check_tenants
from cqrs_nest_master.dto.bulk_dto import MasterBulkDto
from cqrs_nest_master.master_bulk_service import MasterBulkService


@Auth()
@ApiTags("master-bulk")
@Controller("api/master-bulk")
class MasterBulkController:
    """Settings and data of the caller's tenant, in one request."""

    def __init__(self, bulk: MasterBulkService) -> None:
        self._bulk = bulk

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def bulk(self, invoke: InvokeContext, dto: Annotated[MasterBulkDto, Body()]) -> list[CommandModel]:
        """Create or replace up to 100 settings and entries; the answers come in the order of the items."""
        check_tenants(dto.items, invoke)
        return await self._bulk.upsert(dto, invoke_context=invoke)
