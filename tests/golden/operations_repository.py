"""The recorded reads that show users their own pending commands."""

from __future__ import annotations

from typing import Any

from cqrs_nest.aws.dynamodb import deserialize_item
from cqrs_nest.commands import ItemPage, Repository
from cqrs_nest.context import Invoke
from tests.golden.operations import Call, operation, page_options


@operation("Repository.getItem")
async def get_item(call: Call) -> Any:
    return await call.service(Repository).get_item(**call.key, **_caller(call))


@operation("Repository.listItemsByPk")
async def list_items_by_pk(call: Call) -> Any:
    arguments = call.arguments
    latest = bool(arguments.get("mergeOptions", {}).get("latestFlg"))
    options = {**page_options({"options": arguments.get("opts")}), **_caller(call)}
    return await call.service(Repository).list_items_by_pk(arguments["pk"], latest=latest, **options)


@operation("Repository.listItems")
async def list_items(call: Call) -> Any:
    """What was asked was not recorded: the items of the data table, and a filter for what came of it."""
    table = f"local-demo-{call.step.table}-data"
    rows = [deserialize_item(row) for (name, _, _), row in call.before.items() if name == table]
    shown = {item["id"] for item in call.step.recorded["result"]["items"]}
    result = await call.service(Repository).list_items(
        lambda: _page([{"id": row["id"], "name": row["name"]} for row in rows]),
        id_of=lambda item: item["id"],
        apply=lambda entity, item: {"id": entity.id, "name": entity.name, "updatedAt": entity.updated_at},
        matches=lambda entity: entity.id in shown,
        invoke_context=_previous_caller(call),
    )
    return {"total": result.total, "items": list(result.items)}


async def _page(items: list[dict[str, Any]]) -> ItemPage[dict[str, Any]]:
    return ItemPage(items, len(items))


def _previous_caller(call: Call) -> Invoke:
    """Whose commands the session table has."""
    users = [pk for table, pk, _ in call.before if table == "local-demo-session"]
    user, _, tenant = users[0].rpartition("#")
    claims = {"sub": user, "custom:tenant": tenant}
    return Invoke({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, {})


def _caller(call: Call) -> dict[str, Any]:
    return {"invoke_context": call.options["invoke_context"]}
