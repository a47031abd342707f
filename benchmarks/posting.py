"""The application whose POST is measured: identity, guard, DTO, bus, handler, and a command or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field
from ulid_transform import ulid_now

from benchmarks.http import request_of
from cqrs_nest.app import NestApplication
from cqrs_nest.commands import TenantKey
from cqrs_nest.common import Body, Controller, Module, Post
from cqrs_nest.config import Environment
from cqrs_nest.context import Auth, Invoke, InvokeContext, Tenant
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CommandInput,
    CommandModel,
    CommandService,
    CqrsModule,
    ICommandHandler,
)
from cqrs_nest.http import Dto

BODY = b'{"name":"Tom","chip":"276098102345678","weight":4.5}'


class CatKey(TenantKey, type="CAT"): ...


class CreateCatDto(Dto):
    name: Annotated[str, Field(min_length=1, max_length=50)]
    chip: Annotated[str, Field(pattern="^[0-9]{15}$")]
    weight: Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class CreateCat(Command[CommandModel | None]):
    dto: CreateCatDto
    invoke: Invoke


@dataclass(frozen=True)
class ForgetCat(Command[CommandModel | None]):
    """Like `CreateCat`, but nothing is published."""

    dto: CreateCatDto
    invoke: Invoke


def cat_of(dto: CreateCatDto, invoke: Invoke) -> CommandInput:
    """The item of a new cat."""
    key = CatKey(Tenant.of(invoke), ulid_now())
    return CommandInput(
        pk=key.pk,
        sk=key.sk,
        id=key.id,
        code=dto.chip,
        name=dto.name,
        tenant_code=key.tenant,
        type=CatKey.type,
        version=0,
        attributes={"weight": dto.weight},
    )


@CommandHandler(CreateCat)
class CreateCatHandler(ICommandHandler[CreateCat, CommandModel | None]):
    def __init__(self, command_service: CommandService) -> None:
        self._command_service = command_service

    async def execute(self, command: CreateCat) -> CommandModel | None:
        cat = cat_of(command.dto, command.invoke)
        return await self._command_service.publish_async(cat, invoke_context=command.invoke)


@CommandHandler(ForgetCat)
class ForgetCatHandler(ICommandHandler[ForgetCat, CommandModel | None]):
    """Answers what the other one answers."""

    async def execute(self, command: ForgetCat) -> CommandModel | None:
        row, invoke, now = cat_of(command.dto, command.invoke).to_row(), command.invoke, datetime.now(UTC)
        user, ip = invoke.user_id, invoke.source_ip
        created = {"createdAt": now, "createdBy": user, "createdIp": ip}
        updated = {"updatedAt": now, "updatedBy": user, "updatedIp": ip}
        changed = {"sk": f"{row['sk']}@1", "version": 1, "ttl": None, "requestId": invoke.request_id}
        return CommandModel.from_row({**row, **changed, **created, **updated})


@Auth()
@Controller("cats")
class CatController:
    def __init__(self, command_bus: CommandBus) -> None:
        self._command_bus = command_bus

    @Post()
    async def create(
        self, invoke: InvokeContext, dto: Annotated[CreateCatDto, Body()]
    ) -> CommandModel | None:
        return await self._command_bus.execute(CreateCat(dto, invoke))

    @Post("forgotten")
    async def forget(
        self, invoke: InvokeContext, dto: Annotated[CreateCatDto, Body()]
    ) -> CommandModel | None:
        return await self._command_bus.execute(ForgetCat(dto, invoke))


@Module(
    imports=[CqrsModule.register(table_name="cat")],
    controllers=[CatController],
    providers=[CreateCatHandler, ForgetCatHandler],
)
class CatModule: ...


def post(application: NestApplication, path: str) -> Callable[[], Awaitable[None]]:
    """A POST as a server makes it, by a user with a token."""
    token = sign_development_token(application.get(Environment), user="ann", tenant="acme")
    bearer = (b"authorization", f"Bearer {token}".encode())
    return request_of(application, "POST", path, BODY, more_headers=[bearer])
