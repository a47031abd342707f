"""The recorded reads that show users their own pending commands."""

from __future__ import annotations

from typing import Any

from cqrs_nest.commands import Repository
from tests.golden.operations import Call, operation


@operation("Repository.getItem")
async def get_item(call: Call) -> Any:
    return await call.service(Repository).get_item(**call.key, **_caller(call))


@operation("Repository.listItemsByPk")
async def list_items_by_pk(call: Call) -> Any:
    arguments = call.arguments
    latest = bool(arguments.get("mergeOptions", {}).get("latestFlg"))
    return await call.service(Repository).list_items_by_pk(arguments["pk"], latest=latest, **_caller(call))


def _caller(call: Call) -> dict[str, Any]:
    return {"invoke_context": call.options["invoke_context"]}
