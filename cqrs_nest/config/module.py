"""`ConfigModule` and the `ConfigService` it hands to every module."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE, ProviderDefinition
from cqrs_nest.config.environment import Environment

E = TypeVar("E", bound=Environment)


@SetMetadata(HOW_TO_PROVIDE, "start the application or the test with env=, its settings")
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
        """Global module with the settings under their class and its bases, and `ConfigService[...]` of each.

        A class is loaded when the application is built, not when this is called.
        """
        cls = environment if isinstance(environment, type) else type(environment)
        bases = [base for base in cls.__mro__[1:] if issubclass(base, Environment)]
        generic: Any = ConfigService
        # Not `ConfigService` itself: it would stand in for the settings of any other class, too.
        providers: list[ProviderDefinition] = [
            provide(cls, use_factory=cls.load, inject=[])
            if isinstance(environment, type)
            else provide(cls, use_value=environment),
            provide(generic[cls], use_factory=ConfigService, inject=[cls]),
            *(provide(base, use_existing=cls) for base in bases),
            *(provide(generic[base], use_existing=generic[cls]) for base in bases),
        ]
        exports = [provider.token for provider in providers]
        return DynamicModule(ConfigModule, providers=providers, exports=exports, is_global=True)
