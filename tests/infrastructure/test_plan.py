"""What applications need of their account, read from their modules."""

from __future__ import annotations

from typing import Any

from cqrs_nest.app.factory import build
from cqrs_nest.aws import AwsModule, AwsResources, EmailService, PermissionResource, TableResource
from cqrs_nest.common import Import, Module, provide
from cqrs_nest.config import Environment
from cqrs_nest.cqrs import CqrsModule, IdempotencyBehaviour
from cqrs_nest.infrastructure import ResourcePlan, plan_resources
from cqrs_nest.notifications import NotificationModule
from cqrs_nest.pipeline import PipelineModule
from cqrs_nest_task import TaskModule
from sample_app.main_module import MainModule
from sample_app.settings import Settings

ORDERS = CqrsModule.register(table_name="order")


async def planned(*imports: Import, providers: tuple[Any, ...] = (), **settings: Any) -> ResourcePlan:
    @Module(imports=[AwsModule, *imports], providers=providers)
    class Root: ...

    environment = Environment(node_env="dev", app_name="shop", **settings)
    container = await build(Root, environment)
    try:
        return plan_resources(container)
    finally:
        await container.close()


def names(plan: ResourcePlan) -> list[str]:
    return [table.name.removeprefix(plan.prefix) for table in plan.tables]


def permitted(plan: ResourcePlan, kind: str, name: str) -> set[str]:
    return {
        action.partition(":")[2]
        for each in plan.permissions
        if (each.kind, each.name) == (kind, name)
        for action in each.actions
    }


async def test_an_application_without_features_needs_nothing() -> None:
    plan = await planned()

    assert (plan.tables, plan.queues, plan.state_machines, plan.schedules, plan.permissions) == (
        (),
        (),
        (),
        (),
        (),
    )
    assert (plan.has_messages, plan.has_bucket, plan.has_sql, plan.sends_mail) == (False,) * 4


async def test_the_sample_application() -> None:
    container = await build(MainModule, Settings(node_env="local"))
    plan = plan_resources(container)
    await container.close()

    modules = [f"{module}-{type}" for module in ("todo", "master") for type in ("command", "data", "history")]
    assert names(plan) == [*modules, "sequences"]
    assert [table.name for table in plan.tables if table.is_streamed] == [
        "local-todo-todo-command",
        "local-todo-master-command",
    ]
    assert [(queue.name, queue.actions) for queue in plan.queues] == [
        ("todo-activity-queue", ["domain-event"])
    ]
    assert [schedule.name for schedule in plan.schedules] == ["recover-commands"]
    assert (plan.has_messages, plan.has_bucket, plan.has_sql, plan.sends_mail) == (True, True, True, False)
    assert permitted(plan, "table", "sequences") == {"GetItem", "UpdateItem"}
    assert permitted(plan, "table", "tenant-data") == {"GetItem"}
    assert "BatchGetItem" in permitted(plan, "table", "master-data")
    assert "BatchGetItem" not in permitted(plan, "table", "todo-data")


async def test_a_state_machine_belongs_to_its_driver() -> None:
    stream = await planned(ORDERS)
    executed = await planned(ORDERS, PipelineModule.for_root(driver="step-functions"))

    assert stream.state_machines == ()
    [machine] = executed.state_machines
    assert (machine.name, machine.variable) == ("command", "SFN_COMMAND_ARN")
    assert permitted(executed, "state-machine", "command") == {"StartExecution", "SendTaskSuccess"}


async def test_what_modules_bring_along() -> None:
    plan = await planned(ORDERS, TaskModule.register(), NotificationModule)

    assert "tasks" in names(plan)
    assert [queue.name for queue in plan.queues] == [
        "task-action-queue",
        "sub-task-status-queue",
        "notification-queue",
    ]
    assert [machine.variable for machine in plan.state_machines] == ["SFN_TASK_ARN"]
    assert plan.transports == ("appsync-graphql",)


async def test_tables_of_settings_and_behaviours() -> None:
    own_writes = await planned(ORDERS, ryw_session_ttl_minutes=5)
    idempotent = await planned(ORDERS, CqrsModule.for_root(command_behaviours=[IdempotencyBehaviour]))

    assert "session" not in names(await planned(ORDERS, CqrsModule.for_root()))
    assert permitted(own_writes, "table", "session") == {"GetItem", "PutItem", "Query"}
    assert permitted(idempotent, "table", "session") == {"DeleteItem", "GetItem", "PutItem"}


class Mailer:
    def __init__(self, email: EmailService) -> None: ...


async def test_mail_is_sent_by_who_is_given_the_service() -> None:
    assert not (await planned(ORDERS)).sends_mail
    plan = await planned(providers=(Mailer,))

    assert plan.sends_mail
    assert "SendEmail" in permitted(plan, "sender", "SES_FROM_EMAIL")


async def test_what_a_module_names_for_itself() -> None:
    own = AwsResources(
        tables=[TableResource("jobs", is_streamed=True)],
        permissions=[PermissionResource(["s3:GetObject"], "arn:aws:s3:::reports/*")],
    )
    plan = await planned(providers=(provide(AwsResources, use_value=own),))

    assert names(plan) == ["jobs", "master-data"]
    assert permitted(plan, "other", "arn:aws:s3:::reports/*") == {"GetObject"}
    assert "GetRecords" in permitted(plan, "stream", "jobs")
    assert "Scan" not in permitted(plan, "table", "jobs")
