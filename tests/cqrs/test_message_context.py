"""Who asked, in which request and trace: known wherever the request leads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cqrs_nest.common import Controller, Post
from cqrs_nest.config import Environment
from cqrs_nest.context import Auth, Invoke, current_invoke
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CqrsModule,
    EventBus,
    EventsHandler,
    ICommandHandler,
    IEventHandler,
    MessageContext,
    Saga,
    current_message_context,
)
from cqrs_nest.testing import Test, TestingModule

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True)
class Create(Command[None]):
    background: bool


class Remind(Command[None]): ...


class Created: ...


class Log(list[tuple[str, MessageContext]]):
    """Who saw which context."""


@CommandHandler(Create)
class CreateHandler(ICommandHandler[Create, None]):
    def __init__(self, log: Log, events: EventBus, context: MessageContext) -> None:
        self._log, self._events, self._context = log, events, context

    async def execute(self, command: Create) -> None:
        self._log.append(("command", self._context))
        await self._events.publish(Created(), background=command.background)


@EventsHandler(Created)
class CreatedHandler(IEventHandler[Created]):
    def __init__(self, log: Log) -> None:
        self._log = log

    async def handle(self, event: Created) -> None:
        self._log.append(("event", current_message_context()))


class Sagas:
    def __init__(self, log: Log) -> None:
        self._log = log

    @Saga(Created)
    async def remind(self, event: Created) -> Remind:
        self._log.append(("saga", current_message_context()))
        return Remind()


@CommandHandler(Remind)
class RemindHandler(ICommandHandler[Remind, None]):
    def __init__(self, log: Log, context: MessageContext) -> None:
        self._log, self._context = log, context

    async def execute(self, command: Remind) -> None:
        self._log.append(("saga's command", self._context))


@Controller("todo")
class TodoController:
    def __init__(self, bus: CommandBus) -> None:
        self._bus = bus

    @Auth()
    @Post(":when")
    async def create(self) -> None:
        await self._bus.execute(Create(background=False))

    @Auth()
    @Post("in/background")
    async def create_in_background(self) -> None:
        await self._bus.execute(Create(background=True))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    return Environment(node_env="local", app_name="todo")


@pytest.fixture
async def module(environment: Environment) -> AsyncIterator[TestingModule]:
    builder = Test.create_testing_module(
        imports=[CqrsModule],
        controllers=[TodoController],
        providers=[Log, CreateHandler, CreatedHandler, Sagas, RemindHandler],
        env=environment,
    )
    async with await builder.compile() as module:
        yield module


@pytest.mark.parametrize("path", ["/todo/now", "/todo/in/background"])
async def test_the_context_follows_from_the_request_to_the_last_command(
    module: TestingModule, environment: Environment, path: str
) -> None:
    application = await module.create_application()
    await module.initialize()
    token = sign_development_token(environment, user="ann", tenant="acme", roles=["user"])
    headers = {"authorization": f"Bearer {token}", "x-request-id": "r1", "traceparent": TRACE}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://todo"
    ) as client:
        assert (await client.post(path, headers=headers)).status_code == 201
    await module.get(EventBus).drain()
    context = MessageContext("r1", "ann", "acme", TRACE)
    assert module.get(Log) == [(who, context) for who in ("command", "event", "saga", "saga's command")]
    assert current_message_context() == MessageContext(is_system=True)


def invoke(claims: dict[str, str], **headers: str) -> Invoke:
    event = {"headers": headers, "requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    return Invoke(event, {"awsRequestId": "r1"})


@pytest.mark.parametrize(
    ("given", "tenant"),
    [
        (invoke({}, **{"x-tenant-code": "acme"}), None),
        (invoke({"sub": "ann"}, **{"x-tenant-code": "acme"}), None),
        # A guest: the message says no header, and must not make him the owner.
        (invoke({"sub": "ann"}, **{"x-tenant-code": "common"}), None),
        (invoke({"sub": "ann", "custom:tenant": "common"}), "common"),
        (invoke({"sub": "ann", "custom:tenant": "acme"}, **{"x-tenant-code": "other"}), "acme"),
    ],
)
def test_a_header_names_the_tenant_only_of_those_who_may(given: Invoke, tenant: str | None) -> None:
    token = current_invoke.set(given)
    try:
        assert current_message_context().tenant_code == tenant
    finally:
        current_invoke.reset(token)


def test_a_forged_trace_is_dropped() -> None:
    token = current_invoke.set(invoke({"sub": "ann"}, traceparent="x\ny"))
    try:
        assert current_message_context().traceparent is None
    finally:
        current_invoke.reset(token)
