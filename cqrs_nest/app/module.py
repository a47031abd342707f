"""The module around an application's root: settings, identity, events and the pipeline."""

from __future__ import annotations

from typing import Any

from cqrs_nest.common.modules import DynamicModule, Module
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.context import ContextModule
from cqrs_nest.events import EventModule
from cqrs_nest.pipeline import PipelineModule


@Module()
class AppModule:
    """Holds the application's root module and what every application has."""


def application_module(root: type[Any] | DynamicModule, environment: Environment) -> DynamicModule:
    """The root module with everything around it that an application can rely on."""
    return DynamicModule(
        module=AppModule,
        imports=[ConfigModule.for_root(environment), ContextModule, EventModule, PipelineModule, root],
    )
