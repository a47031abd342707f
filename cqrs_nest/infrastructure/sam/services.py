"""What single features need: state machines, SQL, e-mail, AppSync."""

from __future__ import annotations

from cqrs_nest.aws import StateMachineResource
from cqrs_nest.infrastructure.errors import InfrastructureError
from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.sam.function import FUNCTION, assumed_by
from cqrs_nest.infrastructure.sam.names import Names
from cqrs_nest.infrastructure.sam.parts import Part, Section, get_att, logical_id, ref, sub, text_parameter
from cqrs_nest.infrastructure.sam.settings import secret, secret_parameter
from cqrs_nest.pipeline.state_machine import FUNCTION_PLACEHOLDER

EXECUTIONS_ROLE = "StateMachineRole"


def state_machine_part(plan: ResourcePlan, names: Names) -> Part:
    """The state machines, and the role by which they invoke the function."""
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": get_att(FUNCTION)}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": assumed_by("states.amazonaws.com"),
            "Policies": [
                {
                    "PolicyName": "function",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [invoke]},
                }
            ],
        },
    }
    machines = {state_machine_id(machine): _state_machine(machine, names) for machine in plan.state_machines}
    variables = {
        machine.variable: names.arn("state-machine", machine.name)
        for machine in plan.state_machines
        if machine.variable
    }
    return Part({EXECUTIONS_ROLE: role, **machines} if machines else {}, variables=variables)


def state_machine_id(machine: StateMachineResource) -> str:
    """A state machine's name in the template."""
    return logical_id(machine.name, "state-machine")


def sql_part() -> Part:
    """The database's address, which is a secret, and the network that it is in."""
    return Part(
        parameters={
            "DatabaseUrlSecret": secret_parameter("DATABASE_URL"),
            "SubnetIds": {
                "Type": "List<AWS::EC2::Subnet::Id>",
                "Description": "Subnets from which the database and, by NAT or endpoints, AWS can be reached",
            },
            "SecurityGroupIds": {
                "Type": "List<AWS::EC2::SecurityGroup::Id>",
                "Description": "Security groups that the database lets in",
            },
        },
        variables={"DATABASE_URL": secret("DatabaseUrlSecret")},
    )


def mail_part() -> Part:
    """The sender of e-mails, which SES has verified."""
    return Part(
        parameters={
            "SesFromEmail": text_parameter("The address that e-mails come from; SES has verified it")
        },
        variables={"SES_FROM_EMAIL": ref("SesFromEmail")},
    )


def notification_part(plan: ResourcePlan) -> Part:
    """The AppSync APIs that notifications are pushed by. Raises InfrastructureError for `sse`."""
    part = Part(variables={"NOTIFICATION_TRANSPORTS": ",".join(plan.transports)})
    for transport in plan.transports:
        match transport:
            case "appsync-graphql":
                _add_api(part, "Appsync", "APPSYNC_ENDPOINT", "GraphQL API")
            case "appsync-event":
                _add_api(part, "AppsyncEvents", "APPSYNC_EVENTS_ENDPOINT", "Events API")
                part.variables["APPSYNC_EVENTS_NAMESPACE"] = plan.environment.appsync_events_namespace
            case "sse":
                raise InfrastructureError(
                    "NOTIFICATION_TRANSPORTS names sse, which needs a server, and the template is for AWS "
                    "Lambda.\nFix: NOTIFICATION_TRANSPORTS=appsync-graphql or appsync-event."
                )
            case _:
                pass  # One of the application's own, whose settings are the application's own as well.
    return part


def _add_api(part: Part, name: str, variable: str, kind: str) -> None:
    part.parameters[f"{name}Endpoint"] = text_parameter(f"URL of the {kind}", AllowedPattern="https?://.+")
    part.parameters[f"{name}ApiArn"] = text_parameter(f"ARN of the {kind}", AllowedPattern="arn:.+")
    part.variables[variable] = ref(f"{name}Endpoint")


def _state_machine(machine: StateMachineResource, names: Names) -> Section:
    placeholder = FUNCTION_PLACEHOLDER.strip("${}")
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": names.of(machine.name),
            "StateMachineType": "STANDARD",
            "RoleArn": get_att(EXECUTIONS_ROLE),
            "DefinitionString": sub(machine.definition, {placeholder: get_att(FUNCTION)}),
        },
    }
