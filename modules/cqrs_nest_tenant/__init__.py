"""Tenants: the customers of a service, and which groups' settings their roles get."""

from cqrs_nest_tenant.dto import (
    CommonTenantCreateDto,
    TenantCreateDto,
    TenantGroupAddDto,
    TenantGroupUpdateDto,
    TenantUpdateDto,
)
from cqrs_nest_tenant.role_groups import RoleGroups, SettingGroupsMode
from cqrs_nest_tenant.tenant_keys import COMMON_TENANT, TENANT_SK, TENANT_TABLE, tenant_key, tenant_pk
from cqrs_nest_tenant.tenant_module import TenantModule
from cqrs_nest_tenant.tenant_service import TenantService

__all__ = [
    "COMMON_TENANT",
    "TENANT_SK",
    "TENANT_TABLE",
    "CommonTenantCreateDto",
    "RoleGroups",
    "SettingGroupsMode",
    "TenantCreateDto",
    "TenantGroupAddDto",
    "TenantGroupUpdateDto",
    "TenantModule",
    "TenantService",
    "TenantUpdateDto",
    "tenant_key",
    "tenant_pk",
]
