"""Says what is replaced, then builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cqrs_nest.common.modules import DynamicModule, Import
from cqrs_nest.common.providers import (
    ClassProvider,
    ExistingProvider,
    FactoryProvider,
    Provider,
    ProviderDefinition,
    Scope,
    ValueProvider,
)
from cqrs_nest.common.tokens import Token
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.context import ContextModule
from cqrs_nest.core import Container, Overrides
from cqrs_nest.core.scanner import ModuleScanner
from cqrs_nest.events import EventModule
from cqrs_nest.testing.module import TestingModule


class RootTestModule:
    """The module that a test is the root of."""


class ProviderOverride:
    """What a provider or enhancer is replaced by. Types are not checked: a fake is rarely the real thing."""

    def __init__(
        self, builder: TestingModuleBuilder, token: Token, replace: Callable[[ProviderDefinition], None]
    ) -> None:
        self._builder = builder
        self._token = token
        self._replace = replace

    def use_value(self, value: Any) -> TestingModuleBuilder:
        """One object for all."""
        return self._use(ValueProvider(self._token, value))

    def use_class(self, cls: type[Any], *, scope: Scope | None = None) -> TestingModuleBuilder:
        """A class, injected with what the module of the original sees."""
        return self._use(ClassProvider(self._token, cls, scope))

    def use_factory(
        self,
        factory: Callable[..., Any],
        *,
        inject: Sequence[Token] | None = None,
        scope: Scope | None = None,
    ) -> TestingModuleBuilder:
        """The result of a function, sync or async."""
        tokens = None if inject is None else tuple(inject)
        return self._use(FactoryProvider(self._token, factory, tokens, scope))

    def use_existing(self, token: Token) -> TestingModuleBuilder:
        """What the module of the original sees under another token."""
        return self._use(ExistingProvider(self._token, token))

    def _use(self, definition: ProviderDefinition) -> TestingModuleBuilder:
        self._replace(definition)
        return self._builder


class ModuleOverride:
    """What a module is replaced by."""

    def __init__(self, builder: TestingModuleBuilder, replace: Callable[[Import], None]) -> None:
        self._builder = builder
        self._replace = replace

    def use_module(self, module: type[Any] | DynamicModule) -> TestingModuleBuilder:
        """Imported by everyone who imports the original."""
        self._replace(module)
        return self._builder


class TestingModuleBuilder:
    """Collects replacements; they are put in before anything is built, in every module."""

    __test__ = False

    def __init__(
        self,
        imports: Sequence[Import],
        controllers: Sequence[type[Any]],
        providers: Sequence[Provider],
        env: Environment | None,
    ) -> None:
        self._imports = list(imports)
        self._controllers = controllers
        self._providers = providers
        self._env = env
        self._overrides = Overrides()
        self._mocker: Callable[[Token], Any] | None = None

    def override_provider(self, token: Token) -> ProviderOverride:
        """Replace every provider of `token`. The last override wins, an unknown token is ignored."""
        return ProviderOverride(self, token, lambda given: self._overrides.provider(token, given))

    def override_guard(self, guard: type[Any]) -> ProviderOverride:
        """Replace a guard wherever it is listed by class."""
        return self._override_enhancer(guard)

    def override_interceptor(self, interceptor: type[Any]) -> ProviderOverride:
        """Replace an interceptor wherever it is listed by class."""
        return self._override_enhancer(interceptor)

    def override_pipe(self, pipe: type[Any]) -> ProviderOverride:
        """Replace a pipe wherever it is listed by class."""
        return self._override_enhancer(pipe)

    def override_filter(self, filter: type[Any]) -> ProviderOverride:
        """Replace an exception filter wherever it is listed by class."""
        return self._override_enhancer(filter)

    def override_module(self, module: type[Any] | DynamicModule) -> ModuleOverride:
        """Replace a module class, or one dynamic module object, wherever it is imported."""
        return ModuleOverride(self, lambda given: self._overrides.module(module, given))

    def use_mocker(self, mocker: Callable[[Token], Any]) -> TestingModuleBuilder:
        """Ask `mocker(token)` for whatever nobody provides; when it gives None, the token stays missing."""
        self._mocker = mocker
        return self

    async def compile(self) -> TestingModule:
        """Build everything; no lifecycle hook runs. Raises what starting the application would raise."""
        imports = [*self._imports, ContextModule, EventModule]
        root = self._root(imports)
        if self._env is not None or not await self._provides_environment(root):
            environment = self._env or Environment(node_env="local", app_name="test")
            root = self._root([ConfigModule.for_root(environment), *imports])
        container = await Container.create(root, overrides=self._overrides, mocker=self._mocker)
        return TestingModule(container)

    def _override_enhancer(self, cls: type[Any]) -> ProviderOverride:
        return ProviderOverride(self, cls, lambda given: self._overrides.enhancer(cls, given))

    def _root(self, imports: Sequence[Import]) -> DynamicModule:
        return DynamicModule(
            RootTestModule, imports=imports, controllers=self._controllers, providers=self._providers
        )

    async def _provides_environment(self, root: DynamicModule) -> bool:
        scanner = ModuleScanner(self._overrides)
        await scanner.scan(root)
        entries = (entry for node in scanner.nodes for entry in node.metadata.providers)
        tokens = (entry if isinstance(entry, type) else getattr(entry, "token", None) for entry in entries)
        return any(token is Environment for token in tokens)
