"""`plan_resources`: what an application needs of its account, from its modules; nothing is listed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cqrs_nest.aws import (
    AwsModule,
    AwsResources,
    EmailService,
    QueueResource,
    ScheduleResource,
    StateMachineResource,
)
from cqrs_nest.aws.dynamodb import table_prefix
from cqrs_nest.commands import CommandTableRegistry
from cqrs_nest.commands.tables import CommandTables, NeededTable
from cqrs_nest.common.tokens import Token
from cqrs_nest.config import Environment
from cqrs_nest.core import Container
from cqrs_nest.infrastructure.permissions import (
    MAIL_CALLS,
    Permission,
    bucket_permissions,
    invocation_permissions,
    message_permissions,
    notification_permissions,
    permission,
    state_machine_permissions,
    table_permissions,
)
from cqrs_nest.notifications import NotificationHub
from cqrs_nest.pipeline import PipelineOptions, command_state_machine
from cqrs_nest.pipeline.scheduled_recovery import SCHEDULE_NAME
from cqrs_nest.read_models import SqlDatabase

COMMAND_STATE_MACHINE = "command"
COMMAND_CALLS = ("SendTaskSuccess", "StartExecution")
RECOVERY = ScheduleResource(SCHEDULE_NAME, "rate(1 day)")
"""A recovery reads whole tables: daily, as it is only for what neither retries nor the stream brought on."""


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """What an application needs of its account.

    Tables have their physical names, which begin with `prefix`; queues, state machines and schedules their
    names behind it. `has_messages` means the main topic, the alarm topic and the dead-letter queue,
    `has_bucket` the bucket of large attributes. `transports` are those of notifications.
    """

    environment: Environment
    tables: tuple[NeededTable, ...]
    queues: tuple[QueueResource, ...]
    state_machines: tuple[StateMachineResource, ...]
    schedules: tuple[ScheduleResource, ...]
    permissions: tuple[Permission, ...]
    has_messages: bool
    has_bucket: bool
    has_sql: bool
    sends_mail: bool
    transports: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """What the names of tables begin with: `dev-shop-`."""
        return table_prefix(self.environment)

    @property
    def streams(self) -> tuple[NeededTable, ...]:
        """The tables whose streams the application gets."""
        return tuple(table for table in self.tables if table.is_streamed)


def plan_resources(container: Container) -> ResourcePlan:
    """Read the plan from the built modules of an application; AWS is not asked.

    >>> import asyncio
    >>> from cqrs_nest.app.module import application_module
    >>> from cqrs_nest.cqrs import CqrsModule
    >>> shop = application_module(
    ...     CqrsModule.register(table_name="order"), Environment(node_env="dev", app_name="shop")
    ... )
    >>> [table.name for table in plan_resources(asyncio.run(Container.create(shop))).tables][0]
    'dev-shop-order-command'
    """
    environment = container.get(Environment)
    resources = container.get_all(AwsResources)
    commanded = [entry.table.command for entry in container.get(CommandTableRegistry).tables]
    tables = container.get(CommandTables).needed if commanded or _names_tables(resources) else []
    queues = tuple(queue for each in resources for queue in each.queues)
    machines = tuple(_state_machines(container, resources))
    schedules = tuple(schedule for each in resources for schedule in each.schedules)
    if commanded:
        schedules = (*schedules, RECOVERY)
    transports = environment.notification_transports if _provided(container, NotificationHub) else ()
    has_messages = bool(commanded or queues)
    sends_mail = is_injected(container, EmailService, outside=AwsModule)
    permissions = [
        *table_permissions(environment, tables, commanded),
        *_optional_tables(resources),
        *(message_permissions(queues) if has_messages else ()),
        *(invocation_permissions() if schedules or any(table.is_streamed for table in tables) else ()),
        *(bucket_permissions() if tables else ()),
        *state_machine_permissions(machines),
        *notification_permissions(environment, transports),
        *([permission("sender", "SES_FROM_EMAIL", "ses", MAIL_CALLS, "e-mail")] if sends_mail else ()),
        *_own(resources),
    ]
    return ResourcePlan(
        environment,
        tuple(tables),
        queues,
        machines,
        schedules,
        tuple(permissions),
        has_messages=has_messages,
        has_bucket=bool(tables),
        has_sql=bool(_provided(container, SqlDatabase)),
        sends_mail=sends_mail,
        transports=transports,
    )


def is_injected(container: Container, token: Token, *, outside: type[object]) -> bool:
    """Whether something of another module than `outside` is built with a provider."""
    return any(
        link.target is not None and link.target.token is token
        for module in container.modules
        if module.cls is not outside
        for binding in module.bindings()
        for link in binding.links
    )


def _provided(container: Container, token: Token) -> bool:
    return any(binding.token is token for module in container.modules for binding in module.providers)


def _names_tables(resources: Sequence[AwsResources]) -> bool:
    return any(not table.is_optional for each in resources for table in each.tables)


def _state_machines(
    container: Container, resources: Sequence[AwsResources]
) -> Iterator[StateMachineResource]:
    """Those of the modules, and the one that commands run through if the application says that they do."""
    for each in resources:
        yield from each.state_machines
    if any(options.driver == "step-functions" for options in container.get_all(PipelineOptions)):
        yield StateMachineResource(
            COMMAND_STATE_MACHINE, command_state_machine(), "SFN_COMMAND_ARN", COMMAND_CALLS
        )


def _optional_tables(resources: Sequence[AwsResources]) -> Iterator[Permission]:
    for each in resources:
        for table in each.tables:
            if table.is_optional:
                yield permission("table", table.name, "dynamodb", table.calls, "read if it is there")


def _own(resources: Sequence[AwsResources]) -> Iterator[Permission]:
    for each in resources:
        for own in each.permissions:
            yield Permission("other", own.arn, tuple(own.actions), "named by a module")
