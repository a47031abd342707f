"""The function, its event sources, its logs, and the role that permits what the plan says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cqrs_nest.infrastructure.permissions import Permission, actions_by_resource
from cqrs_nest.infrastructure.plan import RECOVERY, ResourcePlan
from cqrs_nest.infrastructure.sam.messages import FAILED_ID, FUNCTION_SECONDS
from cqrs_nest.infrastructure.sam.names import Names
from cqrs_nest.infrastructure.sam.parts import (
    ACCOUNT,
    Part,
    Section,
    get_att,
    logical_id,
    ref,
    sub,
    text_parameter,
)
from cqrs_nest.infrastructure.sam.tables import table_id

FUNCTION = "Function"
ROLE = "FunctionRole"
LOGS = "FunctionLogs"
RUNTIME = "python3.13"
RETRIES = 100
OLDEST_SECONDS = 6 * 3600
"""For how long a stream tries a record; what is older, a recovery carries on."""
_INSERTS = json.dumps({"eventName": ["INSERT"]})
_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]
_OWN_SENDER = {"StringEquals": {"ses:FromAddress": ref("SesFromEmail")}}
_VPC_CALLS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def function_resource(names: Names, handler: str, whole: Part, plan: ResourcePlan) -> Section:
    """The function with everything that the parts of the application add to it."""
    invoked = {
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": get_att(FAILED_ID)}},
    }
    network = {"SubnetIds": ref("SubnetIds"), "SecurityGroupIds": ref("SecurityGroupIds")}
    properties: Section = {
        "FunctionName": names.function,
        "Handler": handler,
        "Runtime": RUNTIME,
        "Architectures": ["arm64"],
        "CodeUri": ".",
        "MemorySize": 1024,
        "Timeout": FUNCTION_SECONDS,
        "Role": get_att(ROLE),
        "LoggingConfig": {"LogGroup": ref(LOGS)},
        **({"VpcConfig": network} if plan.has_sql else {}),
        **({"EventInvokeConfig": invoked} if plan.schedules else {}),
        "Environment": {"Variables": dict(sorted(whole.variables.items()))},
        "Events": whole.events,
    }
    return {
        "Type": "AWS::Serverless::Function",
        # `sam build` calls the target build-Function of the project's Makefile.
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": properties,
    }


def logs_part(names: Names) -> Part:
    """The log group, and how long it keeps lines."""
    retention = {
        "Type": "Number",
        "Description": "Days for which log lines are kept",
        "Default": 30,
        "AllowedValues": _DAYS,
    }
    group = {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {"LogGroupName": sub(names.logs), "RetentionInDays": ref("LogRetentionDays")},
    }
    return Part({LOGS: group}, parameters={"LogRetentionDays": retention})


def role_part(plan: ResourcePlan, names: Names) -> Part:
    """The role: one statement for each set of actions, with the resources that they are for."""
    streams = sub(f"arn:${{AWS::Partition}}:logs:{ACCOUNT}:log-group:{names.logs}:*")
    logs = _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [streams])
    network = [_allow(_VPC_CALLS, ["*"])] if plan.has_sql else []
    document = {"Version": "2012-10-17", "Statement": [logs, *network, *_statements(plan.permissions, names)]}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": assumed_by("lambda.amazonaws.com"),
            "Policies": [{"PolicyName": "application", "PolicyDocument": document}],
        },
    }
    return Part({ROLE: role})


def stream_part(plan: ResourcePlan) -> Part:
    """The streams of tables, as event sources."""
    on_failure = {"OnFailure": {"Type": "SQS", "Destination": get_att(FAILED_ID)}}
    return Part(
        events={
            logical_id(table_id(plan, table), "stream"): {
                "Type": "DynamoDB",
                "Properties": {
                    "Stream": get_att(table_id(plan, table), "StreamArn"),
                    "StartingPosition": "TRIM_HORIZON",
                    "BatchSize": 100,
                    "BisectBatchOnFunctionError": True,
                    "MaximumRetryAttempts": RETRIES,
                    "MaximumRecordAgeInSeconds": OLDEST_SECONDS,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "FilterCriteria": {"Filters": [{"Pattern": _INSERTS}]},
                    "DestinationConfig": on_failure,
                },
            }
            for table in plan.streams
        }
    )


def schedule_part(plan: ResourcePlan, names: Names) -> Part:
    """The schedules, as event sources; how often commands are recovered is a parameter."""
    part = Part()
    for schedule in plan.schedules:
        expression: Any = schedule.expression
        if schedule is RECOVERY:
            description = "How often commands that stand still are carried on; it reads whole tables"
            part.parameters["RecoverySchedule"] = text_parameter(description, schedule.expression)
            expression = ref("RecoverySchedule")
        part.events[logical_id(schedule.name, "schedule")] = {
            "Type": "Schedule",
            "Properties": {"Name": names.of(schedule.name), "Schedule": expression, "Enabled": True},
        }
    return part


def assumed_by(service: str) -> Section:
    """Who may take a role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _statements(permissions: Sequence[Permission], names: Names) -> Iterator[Section]:
    """Permissions with the same actions are one statement, as a role's policies have 10,240 characters."""
    by_actions: dict[tuple[str, ...], list[Any]] = {}
    for (kind, name), actions in actions_by_resource(permissions).items():
        by_actions.setdefault(actions, []).append(names.arn(kind, name))
    for actions, arns in by_actions.items():
        is_mail = actions[0].startswith("ses:")
        yield _allow(actions, arns) | ({"Condition": _OWN_SENDER} if is_mail else {})


def _allow(actions: Sequence[str], resources: Sequence[Any]) -> Section:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
