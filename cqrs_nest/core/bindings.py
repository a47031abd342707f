"""The nodes of the graph: modules, the providers bound in them, and the links between providers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cqrs_nest.common.modules import ModuleMetadata
from cqrs_nest.common.providers import (
    ClassProvider,
    ExistingProvider,
    FactoryProvider,
    ProviderDefinition,
    Scope,
    ValueProvider,
)
from cqrs_nest.common.tokens import InjectionToken, Token, describe_token
from cqrs_nest.core.dependencies import MISSING, Dependency
from cqrs_nest.core.request_scope import RequestScope

if TYPE_CHECKING:
    from injector import Injector


class Link:
    """A dependency and the binding that satisfies it, or the value given in its place."""

    __slots__ = ("constant", "dependency", "is_deferred", "target")

    def __init__(self, dependency: Dependency, target: Binding | None, constant: Any = None) -> None:
        self.dependency = dependency
        self.target = target
        self.constant = constant
        self.is_deferred = False
        """True: the target is handed over before its constructor has run, to break a cycle."""


class Binding:
    """One provider, controller or enhancer in one module. Identity is what tells bindings apart."""

    __slots__ = (
        "cls",
        "definition",
        "dependencies",
        "inquirer",
        "instance",
        "is_async",
        "is_static",
        "key",
        "links",
        "module",
        "plan",
        "scope",
        "scope_sources",
        "template",
        "token",
    )

    def __init__(self, definition: ProviderDefinition, module: ModuleNode, scope: Scope) -> None:
        self.token: Token = definition.token
        self.definition = definition
        self.module = module
        self.scope = scope
        """After the links are known: REQUEST also for what needs something request-scoped."""
        self.is_static = scope is Scope.DEFAULT
        """True: one instance for the application, in `instance`."""
        self.key: Any = self
        """Under what a request scope keeps the instance."""
        self.is_async = False
        """True: `build` gives an awaitable, because an async factory takes part."""
        self.instance: Any = MISSING
        self.cls: type[Any] | None = None
        """The class of what is built, as far as it is known."""
        if isinstance(definition, ClassProvider):
            self.cls = definition.cls
        elif isinstance(definition, ValueProvider):
            self.instance = definition.value
            self.cls = type(definition.value)
        elif isinstance(definition, FactoryProvider) and isinstance(definition.token, type):
            self.cls = definition.token
        self.dependencies: Sequence[Dependency] = ()
        self.links: list[Link] = []
        self.scope_sources: Sequence[Binding] = ()
        """Bindings that are not dependencies but whose scope counts: a controller's enhancers."""
        self.template: Binding = self
        """For the copy of a transient provider that one consumer gets: the provider itself."""
        self.inquirer: Binding | None = None
        """For such a copy: the consumer."""
        self.plan: Callable[[RequestScope], Any] | None = None

    def __repr__(self) -> str:
        return f"<{describe_token(self.token)} of {self.module.name}>"

    @property
    def is_alias(self) -> bool:
        """True for `provide(X, use_existing=Y)`."""
        return isinstance(self.definition, ExistingProvider)

    @property
    def has_async_factory(self) -> bool:
        """True if the factory is declared with `async def`."""
        definition = self.definition
        if not isinstance(definition, FactoryProvider):
            return False
        factory: object = definition.factory
        call = vars(type(factory)).get("__call__")
        return inspect.iscoroutinefunction(factory) or inspect.iscoroutinefunction(call)

    def build(self, scope: RequestScope) -> Any:
        """The instance for this request, built at its first use. An awaitable if `is_async`."""
        return self.instance if self.plan is None else self.plan(scope)


class ModuleNode:
    """One module of an application: a static module class, or one result of `register(...)`."""

    __slots__ = (
        "app_enhancers",
        "cls",
        "controllers",
        "distance",
        "enhancers",
        "exported",
        "exports",
        "host",
        "imports",
        "injector",
        "is_global",
        "metadata",
        "name",
        "own",
        "path",
        "providers",
        "reexported",
        "shows_visible",
        "transients",
    )

    def __init__(self, cls: type[Any], metadata: ModuleMetadata, path: tuple[str, ...]) -> None:
        self.cls = cls
        self.name = describe_token(cls)
        self.metadata = metadata
        """The decorator's lists and those of the dynamic module, joined."""
        self.is_global = metadata.is_global
        self.path = (*path, self.name)
        """The modules on the way from the root to here, for error messages."""
        self.distance = 0
        """Steps from the root, on the longest way."""
        self.imports: list[ModuleNode] = []
        self.providers: list[Binding] = []
        self.controllers: list[Binding] = []
        self.enhancers: dict[Any, Binding] = {}
        """Guards, interceptors, pipes and filters of the controllers, by class or by `id` of an instance."""
        self.app_enhancers: dict[InjectionToken[Any], list[Binding]] = {}
        self.transients: list[Binding] = []
        """Copies of transient providers built for this module's consumers."""
        self.own: dict[Token, Binding] = {}
        """What the module's providers are looked up in, with the module's class itself and its ModuleRef."""
        self.exported: dict[Token, Binding] = {}
        self.reexported: list[ModuleNode] = []
        self.exports: dict[Token, Binding] = {}
        """What importers see: own exports and those of re-exported modules."""
        self.host: Binding
        self.injector: Injector
        self.shows_visible = False
        """True: the injector knows what the module sees of others."""

    def bindings(self) -> list[Binding]:
        """Everything that is built for the module; its class comes first."""
        return [self.host, *self.providers, *self.controllers, *self.enhancers.values()]

    def __repr__(self) -> str:
        return f"<module {self.name}>"
