"""What resources are called in AWS, and their ARNs, before there is a stage or an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.infrastructure.permissions import ResourceKind
from cqrs_nest.infrastructure.plan import ResourcePlan
from cqrs_nest.infrastructure.sam.parts import ACCOUNT, STAGE, Section, get_att, sub

BUCKET_ID = "AttributesBucket"
_ARNS: Mapping[ResourceKind, str] = {
    "table": f"dynamodb:{ACCOUNT}:table/",
    "stream": f"dynamodb:{ACCOUNT}:table/",
    "topic": f"sns:{ACCOUNT}:",
    "queue": f"sqs:{ACCOUNT}:",
    "state-machine": f"states:{ACCOUNT}:stateMachine:",
}


class Names:
    """The names of one application's resources: `<stage>-<service>-<name>`."""

    def __init__(self, plan: ResourcePlan) -> None:
        self._service = plan.environment.app_name
        self._prefix = plan.prefix

    @property
    def function(self) -> Section:
        """The name of the function."""
        return sub(f"{STAGE}-{self._plain}")

    @property
    def function_arn(self) -> Section:
        """Its ARN, for what must not refer to it, as it refers to them."""
        return sub(f"arn:${{AWS::Partition}}:lambda:{ACCOUNT}:function:{STAGE}-{self._plain}")

    @property
    def logs(self) -> str:
        """The name of the function's log group, in `!Sub`."""
        return f"/aws/lambda/{STAGE}-{self._plain}"

    def of_table(self, physical: str) -> str:
        """A table's name without stage and service."""
        return physical.removeprefix(self._prefix)

    def of(self, name: str) -> Section:
        """The name of anything but a table."""
        return sub(f"{STAGE}-{self._plain}-{name}")

    def table(self, name: str) -> Section:
        """The name of a table."""
        return sub(f"{STAGE}-{self._service}-{name}")

    def arn(self, kind: ResourceKind, name: str) -> Any:
        """The ARN of a resource, as policies and settings name it."""
        match kind:
            case "bucket":
                return get_att(BUCKET_ID)
            case "objects":
                return sub(f"${{{BUCKET_ID}.Arn}}/*")
            case "sender":
                return sub(f"arn:${{AWS::Partition}}:ses:{ACCOUNT}:identity/*")
            case "appsync":
                return sub(f"${{AppsyncApiArn}}/{name}")
            case "appsync-events":
                return sub(f"${{AppsyncEventsApiArn}}/{name}")
            case "other":
                return sub(name) if "${" in name else name
            case _:
                service = self._service if kind in ("table", "stream") else self._plain
                end = "/stream/*" if kind == "stream" else ""
                return sub(f"arn:${{AWS::Partition}}:{_ARNS[kind]}{STAGE}-{service}-{name}{end}")

    @property
    def _plain(self) -> str:
        """The service's name where a dot may not stand."""
        return self._service.replace(".", "-")
