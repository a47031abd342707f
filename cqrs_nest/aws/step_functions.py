"""Executions of Step Functions state machines."""

from __future__ import annotations

from typing import Any

from cqrs_nest.aws.json_text import to_json
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE

MAX_NAME_LENGTH = 80


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class StepFunctionService:
    """Starts executions and resumes those that wait for a token."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    async def start_execution(
        self, state_machine_arn: str, input: object, name: str | None = None
    ) -> dict[str, Any]:
        """Start an execution. A name over 80 characters is dropped: AWS then makes one."""
        request: dict[str, Any] = {"stateMachineArn": state_machine_arn, "input": to_json(input)}
        if name is not None and len(name) <= MAX_NAME_LENGTH:
            request["name"] = name
        return await self._session.call("stepfunctions", "start_execution", **request)

    async def resume_execution(self, task_token: str, output: object = None) -> None:
        """Let a waiting state go on.

        The output is wrapped as the answer of a Lambda would be, so that one `OutputPath` fits both.
        Raises ClientError `TaskDoesNotExist` or `TaskTimedOut` when nobody waits any more.
        """
        wrapped: dict[str, list[list[object]]] = {"Payload": [[{} if output is None else output]]}
        await self._session.call(
            "stepfunctions", "send_task_success", taskToken=task_token, output=to_json(wrapped)
        )
