"""The recorded look at who the caller is."""

from __future__ import annotations

from typing import Any

from cqrs_nest.context import Invoke, get_user_context
from tests.golden.operations import Call, operation


@operation("getUserContext")
async def user_context(call: Call) -> Any:
    arguments = call.arguments
    jwt = {"claims": arguments.get("claims", {})}
    event = {"headers": arguments.get("headers", {}), "requestContext": {"authorizer": {"jwt": jwt}}}
    user = get_user_context(Invoke(event, {}))
    found = {"userId": user.user_id, "tenantCode": user.tenant_code, "tenantRole": user.tenant_role}
    return {name: value for name, value in found.items() if value is not None}
