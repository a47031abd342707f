"""What a role is permitted, against what the application calls, as IAM itself judges it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cqrs_nest.aws import AwsSession
from cqrs_nest.infrastructure.findings import Finding
from cqrs_nest.infrastructure.permissions import (
    ALARM_TOPIC,
    DEAD_LETTERS,
    MAIN_TOPIC,
    Permission,
)
from cqrs_nest.infrastructure.plan import ResourcePlan


@dataclass(frozen=True, slots=True)
class _Account:
    region: str
    number: str

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.number}:{rest}"


async def check_permissions(session: AwsSession, plan: ResourcePlan, role: str) -> Sequence[Finding]:
    """What the role `role`, by its ARN, may not do. AppSync and e-mail are not asked for."""
    caller = await session.call("sts", "get_caller_identity")
    _, region = session.identity()
    account = _Account(plan.environment.dynamodb_region or region or "*", caller["Account"])
    findings: list[Finding] = []
    for permission in plan.permissions:
        resource = _resource(plan, account, permission)
        if resource is None:
            continue
        answer = await session.call(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=role,
            ActionNames=list(permission.actions),
            ResourceArns=[resource],
        )
        findings += _denied(role, resource, answer["EvaluationResults"])
    return findings


def _denied(role: str, resource: str, results: Sequence[dict[str, str]]) -> Iterator[Finding]:
    denied = [each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed"]
    if denied:
        said = f"{role.rpartition('/')[2]} may not {', '.join(sorted(denied))}"
        yield Finding(
            "permissions", resource, said, "allow it in a policy of the role: cqrs-nest infra writes it"
        )


def _resource(plan: ResourcePlan, account: _Account, permission: Permission) -> str | None:
    """The ARN of what a permission is for; None where no setting says it."""
    environment, name = plan.environment, permission.name
    match permission.kind:
        case "table":
            return account.arn("dynamodb", f"table/{plan.prefix}{name}")
        case "stream":
            return account.arn("dynamodb", f"table/{plan.prefix}{name}/stream/*")
        case "topic":
            topics = {MAIN_TOPIC: environment.sns_topic_arn, ALARM_TOPIC: environment.sns_alarm_topic_arn}
            return topics.get(name)
        case "queue" if name == DEAD_LETTERS:
            url = environment.dead_letter_queue_url
            return account.arn("sqs", url.rpartition("/")[2]) if url else None
        case "queue" if name in {queue.name for queue in plan.queues}:
            return account.arn("sqs", f"{plan.prefix}{name}")
        case "bucket":
            return environment.s3_bucket_name and f"arn:aws:s3:::{environment.s3_bucket_name}"
        case "objects":
            return environment.s3_bucket_name and f"arn:aws:s3:::{environment.s3_bucket_name}/*"
        case "state-machine":
            variables = {each.name: each.variable for each in plan.state_machines}
            variable = variables.get(name)
            return variable and getattr(environment, variable.lower(), None)
        case "other":
            return name
        case _:
            return None
