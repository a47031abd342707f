"""The recorded application behind the state machine that is shipped, executed by the emulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from cqrs_nest.app.module import application_module
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import CommandService, CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.core import Container
from cqrs_nest.events import EventService
from cqrs_nest.local import EmbeddedAws, StateMachine
from cqrs_nest.local.embedded_aws import ACCOUNT, REGION
from cqrs_nest.local.functions import Handler
from cqrs_nest.local.state_machines import Executions
from cqrs_nest.pipeline import command_state_machine
from tests.golden.replay import GoldenModule
from tests.golden.world import STATE_MACHINE, World, environment

ENDED_SECONDS = 60


class Executing:
    """A running application whose states the emulator calls one after the other."""

    def __init__(self, container: Container, executions: Executions) -> None:
        self.container = container
        self.world = World(container.get(AwsSession))
        self.states: list[str] = []
        self.answered: list[int] = []
        self.run_state: Handler = container.get(EventService).handle
        self._executions = executions
        self._states = container.get(AwsSession).client("stepfunctions")

    def commands(self, table: str = "todo") -> CommandService:
        entry = self.container.get(CommandTableRegistry).table(table)
        assert entry is not None
        return entry.get(CommandService)

    async def state(self, event: Mapping[str, Any]) -> Any:
        """What the state machine invokes."""
        self.states.append(event["context"]["State"]["Name"])
        answer = await self.run_state(event)
        self.answered.append(len(json.dumps(answer)))
        return answer

    async def deliver(self, *records: Mapping[str, Any]) -> None:
        """Bring stream records to the application."""
        answer = await self.container.get(EventService).handle({"Records": list(records)})
        assert answer == {"batchItemFailures": []}

    async def settle(self) -> None:
        """Wait for what publishes do after their answer."""
        for table in self.container.get(CommandTableRegistry).tables:
            await table.get(PublishNotes).drain()

    async def ended(self) -> list[tuple[str, str]]:
        """Every execution's name and status, once none is running; the first started comes first."""
        async with asyncio.timeout(ENDED_SECONDS):
            await self._executions.caught_up()
        listed = await asyncio.to_thread(self._states.list_executions, stateMachineArn=STATE_MACHINE)
        return [(entry["name"], entry["status"]) for entry in reversed(listed["executions"])]

    def output(self, name: str) -> Mapping[str, Any]:
        """What is known of an execution."""
        arn = f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        described: Mapping[str, Any] = self._states.describe_execution(executionArn=arn)
        return described


@asynccontextmanager
async def executing() -> AsyncIterator[Executing]:
    """Run the recorded application with the step-functions driver until the block ends."""
    aws = EmbeddedAws()
    try:
        container = await Container.create(application_module(GoldenModule, environment({})))
        await container.initialize()
        try:
            application = Executing(container, Executions(ACCOUNT, REGION))
            machine = StateMachine("command", command_state_machine())
            await aws.create_state_machine(container.get(AwsSession), machine, application.state)
            yield application
        finally:
            await container.close()
    finally:
        await aws.close()
