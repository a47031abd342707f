"""`check_account`: what an application needs, against what its settings and its account have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from typing import TypeAlias

from cqrs_nest.aws import AwsConfigurationError, AwsSession, error_code
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.infrastructure.findings import Area, Finding
from cqrs_nest.infrastructure.message_check import check_dead_letters, check_queue, check_topic
from cqrs_nest.infrastructure.permission_check import check_permissions
from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.resource_check import (
    check_bucket,
    check_recovery,
    check_state_machine,
    check_tables,
)

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}

Check: TypeAlias = tuple[Area, str, Awaitable[Sequence[Finding]]]
"""What is looked at, by its area and its name, and the look at it."""


async def check_account(
    plan: ResourcePlan, session: AwsSession, tables: CommandTables, *, role: str | None = None
) -> list[Finding]:
    """Everything that is missing or not as it has to be, all checks at once. Nothing is changed.

    What may not be asked is a finding too, and so is an account that cannot be reached. With `role`, an ARN,
    IAM is asked what it may do.
    """
    checks = [*_checks(plan, session, tables)]
    if role is not None:
        checks.append(("permissions", role, check_permissions(session, plan, role)))
    found = await asyncio.gather(*(_guarded(area, subject, check) for area, subject, check in checks))
    account = [finding for findings in found for finding in findings]
    return list(dict.fromkeys([*check_settings(plan), *account]))


def check_settings(plan: ResourcePlan) -> Iterator[Finding]:
    """The variables that the application's modules need and that are not set."""
    environment = plan.environment
    needed = {
        "SNS_TOPIC_ARN": plan.has_messages and "domain events and statuses are not sent",
        "SNS_ALARM_TOPIC_ARN": plan.has_messages and "alarms are not sent",
        "DEAD_LETTER_QUEUE_URL": plan.has_messages and "a command that cannot be applied holds up its stream",
        "S3_BUCKET_NAME": plan.has_bucket and "large attributes cannot be kept",
        "SES_FROM_EMAIL": plan.sends_mail and "no e-mail can be sent",
        "APPSYNC_ENDPOINT": "appsync-graphql" in plan.transports and "notifications are not sent",
        "APPSYNC_EVENTS_ENDPOINT": "appsync-event" in plan.transports and "notifications are not sent",
        **{
            machine.variable: f"the state machine {machine.name} is not found"
            for machine in plan.state_machines
            if machine.variable
        },
    }
    for variable, without in needed.items():
        if without and not getattr(environment, variable.lower(), None):
            fix = f"set {variable} in the environment or in .env"
            yield Finding("settings", variable, f"it is not set: {without}", fix)


def _checks(plan: ResourcePlan, session: AwsSession, tables: CommandTables) -> Iterator[Check]:
    environment = plan.environment
    if plan.tables:
        yield "tables", "tables", check_tables(tables)
    if environment.node_env != "local":
        for table in plan.tables:
            yield "tables", table.name, check_recovery(session, table.name)
    if plan.has_messages:
        for topic in (environment.sns_topic_arn, environment.sns_alarm_topic_arn):
            if topic:
                yield "topics", topic, check_topic(session, topic)
        if url := environment.dead_letter_queue_url:
            yield "queues", url, check_dead_letters(session, url)
    for queue in plan.queues:
        yield "queues", queue.name, check_queue(session, plan, queue)
    for machine in plan.state_machines:
        arn = machine.variable and getattr(environment, machine.variable.lower(), None)
        if arn:
            yield "state machines", machine.name, check_state_machine(session, machine, arn)
    if plan.has_bucket and environment.s3_bucket_name:
        yield "buckets", environment.s3_bucket_name, check_bucket(session, environment.s3_bucket_name)


async def _guarded(area: Area, subject: str, check: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    """What a check finds, and what keeps it from looking."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return await check
    except ClientError as error:
        action = error.operation_name
        if error_code(error) in _DENIED:
            fix = f"let who runs this call {action}; what the service itself may do, --role checks"
            return [Finding("permissions", subject, f"{action} is not permitted", fix)]
        return [Finding(area, subject, f"it could not be looked at: {error}", "see what AWS says")]
    except (BotoCoreError, AwsConfigurationError) as error:
        fix = "check the credentials, the region and the endpoint"
        return [Finding("account", "AWS", f"it does not answer: {error}", fix)]
