"""`TenantModule`: tenants, and their routes if the application wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cqrs_nest.commands import CommandModule
from cqrs_nest.common import DynamicModule, Guards, Import, Module, mounted
from cqrs_nest_tenant.tenant_controller import TenantController
from cqrs_nest_tenant.tenant_keys import TENANT_TABLE
from cqrs_nest_tenant.tenant_service import TenantService


@Module(providers=[TenantService], exports=[TenantService])
class TenantModule:
    """Provides `TenantService`; import what `register` gives."""

    @classmethod
    def register(
        cls,
        *,
        enable_controller: bool = False,
        data_sync_handlers: Sequence[type[Any]] = (),
        path: str | None = None,
        guards: Guards | None = None,
        imports: Sequence[Import] = (),
        is_global: bool = False,
    ) -> DynamicModule:
        """Tenants in the command table `tenant`.

        `data_sync_handlers` are built with the exports of `imports`. `enable_controller` adds the routes,
        below `path` (api/tenant). `guards` stand in the place of the default: a caller's own tenant only,
        and `system_admin` for every change.
        """
        table = CommandModule.register(
            table_name=TENANT_TABLE, data_sync_handlers=data_sync_handlers, imports=imports
        )
        controllers = [mounted(TenantController, path=path, guards=guards)] if enable_controller else []
        return DynamicModule(cls, imports=[table], controllers=controllers, is_global=is_global)
