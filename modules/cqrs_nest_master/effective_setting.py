"""`EffectiveSettings`: which of a user's, his groups', his tenant's and the common setting holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cqrs_nest.aws import DynamoDbService, error_code
from cqrs_nest.aws.dynamodb import Item, TableType
from cqrs_nest.commands import DataService, DetailKey, master_pk
from cqrs_nest.common import BadRequestException, ForbiddenException, Injectable
from cqrs_nest.context import Invoke, UserContext, current_invoke, ensure_tenant, get_user_context
from cqrs_nest_master.dto.setting_dto import MasterSettingEntity
from cqrs_nest_master.master_keys import COMMON_TENANT, group_setting_sk, setting_key, user_setting_sk

TENANT_TABLE = "tenant"
MAX_SK_BYTES = 1024


@Injectable()
class EffectiveSettings:
    """Looks a setting up: the user's, that of his role's groups in their order, the tenant's, the common."""

    def __init__(self, data: DataService, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb
        self._data = data
        self._tenants = dynamodb.get_table_name(TENANT_TABLE, TableType.DATA)

    async def of(self, code: str, invoke_context: Invoke | None = None) -> MasterSettingEntity:
        """What holds for a caller. Raises BadRequestException when nobody has set it."""
        found = await self.find(code, invoke_context)
        if found is None:
            raise BadRequestException(f"Setting not found with code: {code}")
        return found

    async def find(self, code: str, invoke_context: Invoke | None = None) -> MasterSettingEntity | None:
        """What holds for a caller, None for nothing; deleted settings do not count. Two calls to DynamoDB.

        Raises ForbiddenException for a caller without a tenant.
        """
        invoke = invoke_context or current_invoke.get()
        user = get_user_context(invoke) if invoke else None
        if user is None or user.tenant_code is None:
            raise ForbiddenException("The caller acts for no tenant")
        ensure_tenant(master_pk(user.tenant_code), reading=True)
        settings = self._dynamodb.get_table_name(self._data.table_name, TableType.DATA)
        keys = await self._keys(code, user, user.tenant_code)
        rows = await self._dynamodb.batch_get_items(settings, [key.row() for key in keys])
        live = {(row["pk"], row["sk"]): row for row in rows if not row.get("isDeleted")}
        found = next((live[key] for key in keys if key in live), None)
        if found is None:
            return None
        return MasterSettingEntity(id=found["id"], setting_value=found.get("attributes") or {})

    async def _keys(self, code: str, user: UserContext, tenant_code: str) -> Sequence[DetailKey]:
        """The settings that may hold, the strongest first."""
        pk = master_pk(tenant_code)
        own = [user_setting_sk(user.user_id, code)] if user.user_id else []
        groups = [group_setting_sk(group, code) for group in await self._groups(user, tenant_code)]
        keys = [DetailKey(pk, sk) for sk in (*own, *groups)]
        keys += [setting_key(tenant_code, code), setting_key(COMMON_TENANT, code)]
        # What is longer than a key can be is nobody's setting; DynamoDB would refuse to look.
        return [key for key in dict.fromkeys(keys) if len(key.sk.encode()) <= MAX_SK_BYTES]

    async def _groups(self, user: UserContext, tenant_code: str) -> Sequence[str]:
        """The groups whose settings the caller's roles get, as the tenant's row says."""
        tenant = await self._tenant(tenant_code)
        attributes: Mapping[str, Any] = (tenant or {}).get("attributes") or {}
        entries: Sequence[Mapping[str, Any]] = attributes.get("setting") or []
        of_role: dict[str, Sequence[str]] = {}
        for entry in entries:
            of_role.setdefault(str(entry.get("tenantRole")), entry.get("setting_groups") or [])
        roles = dict.fromkeys((user.tenant_role, *user.tenant_roles))
        return [group for role in roles for group in of_role.get(role, [])]

    async def _tenant(self, tenant_code: str) -> Item | None:
        from botocore.exceptions import ClientError

        try:
            return await self._dynamodb.get_item(
                self._tenants, {"pk": f"TENANT#{tenant_code}", "sk": "MASTER"}
            )
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None  # an application without the tenant module
