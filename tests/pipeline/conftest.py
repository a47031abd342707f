"""An application with command tables on emulated AWS, and the stream records of its commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.commands import CommandModel, CommandModule, CommandService, CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule
from cqrs_nest.core import Container
from cqrs_nest.events import EventModule, EventService
from cqrs_nest.pipeline import Driver, PipelineModule, command_steps
from tests.emulated_aws import emulated_aws
from tests.golden.world import ALARM_TOPIC, TOPIC, World, environment

ARN = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/{}/stream/2024-01-01T00:00:00.000"
T = TypeVar("T")
__all__ = ["ALARM_TOPIC", "TOPIC"]


class Projection:
    """A custom handler that remembers what it saw and fails for the names it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.commands: list[CommandModel] = []
        self.failing: set[str] = set()

    async def up(self, command: CommandModel) -> dict[str, str]:
        self.seen.append(command.sk)
        self.commands.append(command)
        if command.name in self.failing:
            raise RuntimeError(f"no room for {command.name}")
        return {"projected": command.sk}

    async def down(self, command: CommandModel) -> None: ...


class Service:
    """One running application, its emulated AWS and shortcuts to what tests look at."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.world = World(container.get(AwsSession))
        self.projection = container.get(Projection)
        self.calls: list[str] = []
        for service in ("dynamodb", "sns", "s3"):
            events = container.get(AwsSession).client(service).meta.events
            events.register(f"before-call.{service}", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)

    def service(self, cls: type[T], table: str = "todo") -> T:
        """A table's own instance of a service."""
        entry = self.container.get(CommandTableRegistry).table(table)
        assert entry is not None
        return entry.get(cls)

    def commands(self, table: str = "todo") -> CommandService:
        return self.service(CommandService, table)

    async def publish(self, sk: str, name: str, version: int = 0, table: str = "todo", **more: Any) -> None:
        """Publish a command to be applied later."""
        row = {"pk": "TODO#acme", "sk": sk, "id": f"TODO#acme#{sk}", "name": name, "version": version}
        request = f"request of {sk} {name}"
        assert await self.commands(table).publish_async({**row, **more}, request_id=request)
        await self.settle()

    async def settle(self) -> None:
        """Wait for what publishes do after their answer."""
        for table in self.container.get(CommandTableRegistry).tables:
            await table.get(PublishNotes).drain()

    def record(self, sk: str, event: str = "INSERT", table: str = "todo", **changes: Any) -> dict[str, Any]:
        """The stream record of a command row; `changes` are put into its image."""
        name = f"local-demo-{table}-command"
        key = {"pk": {"S": "TODO#acme"}, "sk": {"S": sk}}
        row = self.world.dynamodb.get_item(TableName=name, Key=key)["Item"]
        image = {**row, **changes}
        if event == "INSERT" and "syncMode" not in image:
            image.pop("status", None)
        version = int(row["version"]["N"])
        return {
            "eventID": f"event of {sk}",
            "eventName": event,
            "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": key, "NewImage": image, "SequenceNumber": str(1000 + version)},
            "eventSourceARN": ARN.format(name),
        }

    async def deliver(self, *records: dict[str, Any]) -> list[str]:
        """Deliver a batch; gives the sequence numbers that are to come again."""
        answer = await self.container.get(EventService).handle({"Records": list(records)})
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    def row(self, kind: str, sk: str, table: str = "todo") -> dict[str, Any] | None:
        """A row in DynamoDB JSON."""
        return self.world.rows().get((f"local-demo-{table}-{kind}", "TODO#acme", sk))

    def delete(self, kind: str, sk: str, table: str = "todo") -> None:
        """Let a row expire."""
        key = {"pk": {"S": "TODO#acme"}, "sk": {"S": sk}}
        self.world.dynamodb.delete_item(TableName=f"local-demo-{table}-{kind}", Key=key)

    def status(self, sk: str) -> str | None:
        """The status of a command."""
        row = self.row("command", sk)
        return None if row is None or "status" not in row else str(row["status"]["S"])

    @contextmanager
    def failing(self, service: str, operation: str, text: str = "") -> Iterator[None]:
        """Let calls whose request holds `text` fail."""
        call = {"service": service, "op": operation, "target": text, "ok": False, "error": "Throttled"}
        with self.world.faults([call]):
            yield


@asynccontextmanager
async def _start(driver: Driver) -> AsyncIterator[Service]:
    @Module(
        imports=[
            AwsModule,
            EventModule,
            PipelineModule,
            PipelineModule.for_root(driver=driver),
            CommandModule.register(table_name="todo", data_sync_handlers=[Projection]),
            CommandModule.register(table_name="note", disable_default_handler=True, events="stream"),
            CommandModule.register(table_name="dup"),
        ]
    )
    class Application: ...

    with emulated_aws():
        root = DynamicModule(Application, imports=[ConfigModule.for_root(environment({}))])
        container = await Container.create(root)
        await container.initialize()
        try:
            yield Service(container)
        finally:
            await container.close()


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A publish that has not ended counts as dead at once."""
    monkeypatch.setattr(command_steps, "GRACE", timedelta(0))


@pytest.fixture
def start() -> Callable[[Driver], AbstractAsyncContextManager[Service]]:
    """Starts an application with one of the drivers."""
    return _start


@pytest.fixture
def projection_class() -> type[Projection]:
    """The custom handler of the table `todo`."""
    return Projection


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A running application with the stream driver."""
    async with _start("stream") as running:
        yield running


@pytest.fixture
async def executions() -> AsyncIterator[Service]:
    """A running application with the step-functions driver."""
    async with _start("step-functions") as running:
        yield running
