"""`sam_template`: the whole template, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.sam.alarms import cloudwatch_part
from cqrs_nest.infrastructure.sam.function import (
    FUNCTION,
    function_resource,
    logs_part,
    role_part,
    schedule_part,
    stream_part,
)
from cqrs_nest.infrastructure.sam.http_api import ApiRoute, http_part
from cqrs_nest.infrastructure.sam.messages import alarm_part, failed_invocations_part, message_part
from cqrs_nest.infrastructure.sam.names import Names
from cqrs_nest.infrastructure.sam.parts import Part, joined, ref
from cqrs_nest.infrastructure.sam.services import (
    mail_part,
    notification_part,
    sql_part,
    state_machine_part,
)
from cqrs_nest.infrastructure.sam.settings import settings_part
from cqrs_nest.infrastructure.sam.tables import bucket_part, table_part


def sam_template(plan: ResourcePlan, handler: str, routes: Sequence[ApiRoute] = ()) -> dict[str, Any]:
    """The template of an application as data; `handler` is its Lambda function, `my_service.main.handler`.

    Raises InfrastructureError for what cannot be deployed so.
    """
    names = Names(plan)
    whole = joined(_parts(plan, names, routes))
    whole = joined([whole, cloudwatch_part(plan, whole.resources)])
    function = function_resource(names, handler, whole, plan)
    sections = {
        "Parameters": whole.parameters,
        "Conditions": whole.conditions,
        "Resources": {FUNCTION: function, **whole.resources},
        "Outputs": {"FunctionName": {"Description": "The function", "Value": ref(FUNCTION)}, **whole.outputs},
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": f"The service {plan.environment.app_name}",
        **{name: section for name, section in sections.items() if section},
    }


def _parts(plan: ResourcePlan, names: Names, routes: Sequence[ApiRoute]) -> Iterator[Part]:
    yield settings_part(plan.environment)
    if routes:
        yield http_part(routes)
    yield role_part(plan, names)
    yield logs_part(names)
    yield table_part(plan, names)
    if plan.has_bucket:
        yield bucket_part()
    yield alarm_part(names)
    if plan.has_messages:
        yield message_part(plan, names)
    if plan.streams or plan.schedules:
        yield failed_invocations_part(names)
    yield stream_part(plan)
    yield schedule_part(plan, names)
    yield state_machine_part(plan, names)
    if plan.environment.ryw_session_ttl_minutes > 0:
        yield Part(variables={"RYW_SESSION_TTL_MINUTES": f"{plan.environment.ryw_session_ttl_minutes:g}"})
    if plan.has_sql:
        yield sql_part()
    if plan.sends_mail:
        yield mail_part()
    if plan.transports:
        yield notification_part(plan)
