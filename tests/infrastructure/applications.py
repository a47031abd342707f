"""Applications of which templates are written: the sample, one with every feature, one with next to none."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from pydantic import Field

from cqrs_nest.app.factory import assemble, build
from cqrs_nest.aws import AwsModule, AwsResources, EmailService, PermissionResource, ScheduleResource
from cqrs_nest.common import Controller, Get, Module, provide
from cqrs_nest.config import AppName, Environment
from cqrs_nest.context import Auth
from cqrs_nest.cqrs import CqrsModule, IdempotencyBehaviour
from cqrs_nest.infrastructure import plan_resources
from cqrs_nest.infrastructure.sam import api_routes, sam_template
from cqrs_nest.notifications import NotificationModule
from cqrs_nest.pipeline import PipelineModule
from cqrs_nest_task import TaskModule
from sample_app.main_module import MainModule
from sample_app.settings import Settings

SAMPLE, EVERYTHING, MINIMAL = "sample", "everything", "minimal"

TOKENS = {"JwtIssuer": "https://issuer.example", "JwtAudience": "web,app"}
NETWORK = {"DatabaseUrlSecret": "database", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"}
MAIL = {"AlarmEmail": "ops@example.org"}
APPSYNC = {
    "AppsyncEndpoint": "https://a.appsync-api.eu-west-1.amazonaws.com/graphql",
    "AppsyncApiArn": "arn:aws:appsync:eu-west-1:123456789012:apis/a",
}
PARAMETERS = {
    SAMPLE: {**TOKENS, **NETWORK, **MAIL, "AttributeLimitSize": "20"},
    EVERYTHING: {**TOKENS, **MAIL, **APPSYNC, "SesFromEmail": "shop@example.org", "PaymentKeySecret": "pay"},
    MINIMAL: {**TOKENS, **MAIL},
}


@Controller()
class HealthController:
    @Get("health")
    async def health(self) -> str:
        return "ok"

    @Get("items/:id")
    async def item(self) -> str:
        return "open"


@Auth()
@Controller("items")
class ItemController:
    @Get("mine")
    async def mine(self) -> str:
        return "guarded"


class Mailer:
    def __init__(self, email: EmailService) -> None: ...


class ShopSettings(Environment):
    app_name: AppName = "shop.eu"
    currency: str = Field(default="EUR", description="What prices are in")
    payment_key: str = Field(default="", repr=False)
    sandbox_key: str | None = Field(default=None, repr=False)
    is_open: bool = True
    regions: tuple[str, ...] = ("eu", "us")


_OWN = AwsResources(
    schedules=[ScheduleResource("nightly", "cron(0 3 * * ? *)")],
    permissions=[PermissionResource(["s3:GetObject"], "arn:${AWS::Partition}:s3:::reports/*")],
)


@Module(
    imports=[
        CqrsModule.for_root(command_behaviours=[IdempotencyBehaviour]),
        CqrsModule.register(table_name="order"),
        PipelineModule.for_root(driver="step-functions"),
        TaskModule.register(),
        NotificationModule,
        AwsModule,
    ],
    controllers=[HealthController, ItemController],
    providers=[Mailer, provide(AwsResources, use_value=_OWN)],
)
class ShopModule: ...


@Module(controllers=[HealthController])
class MinimalModule: ...


_APPLICATIONS: dict[str, tuple[type[Any], Environment]] = {
    SAMPLE: (MainModule, Settings(node_env="local")),
    EVERYTHING: (ShopModule, ShopSettings(node_env="local")),
    MINIMAL: (MinimalModule, Environment(node_env="local", app_name="minimal")),
}


@cache
def template_of(name: str) -> dict[str, Any]:
    """The template of an application."""
    root, environment = _APPLICATIONS[name]

    async def template() -> dict[str, Any]:
        application = assemble(await build(root, environment))
        try:
            routes = api_routes(application.http, application.container)
            return sam_template(plan_resources(application.container), "sample_app.main.handler", routes)
        finally:
            await application.close()

    return asyncio.run(template())
