"""Infrastructure and operations: the Python runs; permissions and alarms are the sample application's."""

from __future__ import annotations

import re
from typing import Any

from cqrs_nest.app.factory import build
from cqrs_nest.config import Environment
from cqrs_nest.infrastructure import Permission, ResourcePlan, plan_resources
from cqrs_nest.infrastructure.sam import sam_template
from sample_app.main_module import MainModule
from sample_app.settings import Settings
from tests.docs.pages import DOCS, run_python

PAGE = (DOCS / "infrastructure.md").read_text()


async def planned(root: type[Any], environment: Environment) -> ResourcePlan:
    container = await build(root, environment)
    try:
        return plan_resources(container)
    finally:
        await container.close()


def line(permission: Permission) -> str:
    actions = ", ".join(f"`{action}`" for action in permission.actions)
    return f"| {permission.kind} | `{permission.name}` | {actions} | {permission.reason} |"


async def test_the_permissions_of_the_page() -> None:
    plan = await planned(MainModule, Settings(node_env="local"))
    table = PAGE.split("| resource | name | actions | for |\n|---|---|---|---|\n")[1].split("\n\n")[0]

    assert table.splitlines() == [line(permission) for permission in plan.permissions]


async def test_the_alarms_of_the_operations_page() -> None:
    template = sam_template(await planned(MainModule, Settings(node_env="local")), "sample_app.main.handler")
    alarms = {name for name in template["Resources"] if name.endswith("Alarm")}
    named = set(re.findall(r"`(\w+Alarm)`", (DOCS / "operations.md").read_text()))

    assert alarms - {"TodoActivityQueueDeadLettersAlarm"} == named


async def test_the_module_of_the_page() -> None:
    plan = await planned(
        run_python("infrastructure.md")["ShopModule"], Environment(node_env="local", app_name="shop")
    )

    assert "local-shop-prices" in [table.name for table in plan.tables]
    assert [queue.name for queue in plan.queues] == ["shipping"]
    assert "s3:GetObject" in plan.permissions[-1].actions
