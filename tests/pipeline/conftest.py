"""An application with command tables on emulated AWS, and the stream records of its commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import pytest

from cqrs_nest.aws import AwsModule, AwsSession
from cqrs_nest.commands import (
    CommandModel,
    CommandModule,
    CommandService,
    CommandTableRegistry,
    DataSyncHandler,
    RetryPolicy,
)
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule
from cqrs_nest.core import Container
from cqrs_nest.events import EventHandler, EventModule, EventService, SqsEvent
from cqrs_nest.pipeline import Driver, PipelineModule, command_progress
from tests.emulated_aws import emulated_aws
from tests.golden.world import ALARM_TOPIC, TOPIC, World, environment

ARN = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/{}/stream/2024-01-01T00:00:00.000"
DEAD_LETTERS = "https://sqs.ap-northeast-1.amazonaws.com/123456789012/dead-letters"
T = TypeVar("T")
__all__ = ["ALARM_TOPIC", "TOPIC"]


class Remembering:
    """A custom handler that remembers what it saw and fails for the names it is told."""

    errors: ClassVar[type[Exception]] = RuntimeError

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.commands: list[CommandModel] = []
        self.failing: set[str] = set()

    async def up(self, command: CommandModel) -> dict[str, str]:
        self.seen.append(command.sk)
        self.commands.append(command)
        if command.name in self.failing:
            raise self.errors(f"no room for {command.name}")
        return {"projected": command.sk}

    async def down(self, command: CommandModel) -> None: ...


@DataSyncHandler("todo", retry=RetryPolicy(attempts=1))
class Projection(Remembering):
    """The handler of the table `todo`, tried once for each delivery."""


@DataSyncHandler("master", retry=RetryPolicy(attempts=3, first_pause=0))
class Search(Remembering):
    """One of the handlers of the table `master`."""


@DataSyncHandler("master", name="mail", retry=RetryPolicy(first_pause=0, give_up_on=(PermissionError,)))
class Mail(Remembering):
    """Another."""

    errors: ClassVar[type[Exception]] = PermissionError


@EventHandler(SqsEvent)
class Orders:
    """Handles the messages of a queue."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def execute(self, event: SqsEvent) -> None:
        self.seen.append((event.queue_name, event.body))
        if event.body == "bad":
            raise ValueError("bad order")


class Service:
    """One running application, its emulated AWS and shortcuts to what tests look at."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.world = World(container.get(AwsSession))
        self.projection = container.get(Projection)
        self.search, self.mail = container.get(Search), container.get(Mail)
        self.calls: list[str] = []
        for service in ("dynamodb", "sns", "s3"):
            events = container.get(AwsSession).client(service).meta.events
            events.register(f"before-call.{service}", self._count)

        self.orders = container.get(Orders)
        self.sqs = self.client("sqs")

    def client(self, service: str) -> Any:
        """The application's own client of a service."""
        return self.container.get(AwsSession).client(service)

    def dead_letters(self) -> list[dict[str, Any]]:
        """What waits in the dead-letter queue; it stays there."""
        answer = self.sqs.receive_message(QueueUrl=DEAD_LETTERS, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

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
        return self.world.row(f"local-demo-{table}-{kind}", "TODO#acme", sk)

    def set(self, sk: str, **attributes: Any) -> None:
        """Change a command row of the table `todo`, as another program would."""
        row = self.world.dynamodb.get_item(
            TableName="local-demo-todo-command", Key={"pk": {"S": "TODO#acme"}, "sk": {"S": sk}}
        )["Item"]
        self.world.dynamodb.put_item(TableName="local-demo-todo-command", Item={**row, **attributes})

    def delete(self, kind: str, sk: str, table: str = "todo") -> None:
        """Let a row expire."""
        key = {"pk": {"S": "TODO#acme"}, "sk": {"S": sk}}
        self.world.dynamodb.delete_item(TableName=f"local-demo-{table}-{kind}", Key=key)

    def status(self, sk: str, table: str = "todo") -> str | None:
        """The status of a command."""
        row = self.row("command", sk, table)
        return None if row is None or "status" not in row else str(row["status"]["S"])

    @contextmanager
    def failing(self, service: str, operation: str, text: str = "") -> Iterator[None]:
        """Let calls whose request holds `text` fail."""
        call = {"service": service, "op": operation, "target": text, "ok": False, "error": "Throttled"}
        with self.world.faults([call]):
            yield


@asynccontextmanager
async def _start(driver: Driver, dead_letters: bool = False) -> AsyncIterator[Service]:
    @Module(
        imports=[
            AwsModule,
            EventModule,
            PipelineModule,
            PipelineModule.for_root(driver=driver),
            CommandModule.register(table_name="todo", data_sync_handlers=[Projection]),
            CommandModule.register(table_name="note", disable_default_handler=True, events="stream"),
            CommandModule.register(table_name="dup"),
            CommandModule.register(table_name="master", data_sync_handlers=[Search, Mail]),
        ],
        providers=[Orders],
    )
    class Application: ...

    with emulated_aws():
        settings = environment({})
        if dead_letters:
            settings = settings.model_copy(update={"dead_letter_queue_url": DEAD_LETTERS})
        root = DynamicModule(Application, imports=[ConfigModule.for_root(settings)])
        container = await Container.create(root)
        await container.initialize()
        try:
            service = Service(container)
            service.sqs.create_queue(QueueName="dead-letters")
            yield service
        finally:
            await container.close()


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A publish that has not ended counts as dead at once."""
    monkeypatch.setattr(command_progress, "GRACE", timedelta(0))


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


@pytest.fixture
async def queued() -> AsyncIterator[Service]:
    """A running application with the stream driver and a dead-letter queue."""
    async with _start("stream", dead_letters=True) as running:
        yield running


@pytest.fixture
async def inline() -> AsyncIterator[Service]:
    """A running application with the driver `inline`."""
    async with _start("inline") as running:
        yield running
