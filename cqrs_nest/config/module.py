"""`ConfigModule` and the `ConfigService` it hands to every module."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import SUPPLIED_BY, Provider
from cqrs_nest.common.tokens import Token
from cqrs_nest.config.environment import Environment

E = TypeVar("E", bound=Environment)


@SetMetadata(SUPPLIED_BY, "ConfigModule.for_root(...)")
class ConfigService(Generic[E]):
    """The settings, for those who are used to injecting this. `Environment` itself can be injected too.

    >>> ConfigService(Environment(node_env="local", app_name="demo")).env.app_name
    'demo'
    """

    def __init__(self, env: E) -> None:
        self.env = env


@Module()
class ConfigModule:
    """Provides the settings to every module."""

    @staticmethod
    def for_root(environment: type[Environment] | Environment = Environment) -> DynamicModule:
        """Global module with `Environment`, its subclass, `ConfigService` and `ConfigService[subclass]`.

        A class is loaded when the application is built, not when this is called.
        """
        cls = environment if isinstance(environment, type) else type(environment)
        generic: Any = ConfigService
        aliases: dict[Token, Token] = {generic[cls]: ConfigService}
        if cls is not Environment:
            aliases[Environment] = cls
        providers: list[Provider] = [
            provide(cls, use_factory=cls.load, inject=[])
            if isinstance(environment, type)
            else provide(cls, use_value=environment),
            provide(ConfigService, use_factory=ConfigService, inject=[cls]),
            *(provide(alias, use_existing=token) for alias, token in aliases.items()),
        ]
        exports = [cls, ConfigService, *aliases]
        return DynamicModule(ConfigModule, providers=providers, exports=exports, is_global=True)
