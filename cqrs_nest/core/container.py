"""`Container`: the modules of one application, linked, checked, and built."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cqrs_nest.common.logger import Logger
from cqrs_nest.common.metadata import Reflector
from cqrs_nest.common.modules import DynamicModule, Import, ModuleMetadata
from cqrs_nest.common.providers import ClassProvider, FactoryProvider, Scope, ValueProvider
from cqrs_nest.common.tokens import REQUEST, InjectionToken, Token, describe_token
from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.builder import build_static
from cqrs_nest.core.cycles import construction_order
from cqrs_nest.core.dependencies import MISSING, alias_class
from cqrs_nest.core.discovery import DiscoveryService
from cqrs_nest.core.errors import (
    NotBuiltYetError,
    ProviderScopeError,
    StartCancelledError,
    UnknownModuleError,
    UnknownProviderError,
)
from cqrs_nest.core.exports import find_own, resolve_exports
from cqrs_nest.core.graph import ModuleGraph, module_graph
from cqrs_nest.core.injectors import PlainFactory, bind_own, create_injector, show_visible
from cqrs_nest.core.lazy_modules import LazyModuleLoader
from cqrs_nest.core.lifecycle import close_after, run_shutdown_hooks, run_start_hooks
from cqrs_nest.core.linker import Linker, Mocker
from cqrs_nest.core.module_ref import ModuleRef
from cqrs_nest.core.nested_lock import NestedLock
from cqrs_nest.core.overrides import Overrides
from cqrs_nest.core.plans import compile_plans
from cqrs_nest.core.registration import enhancer_key, register
from cqrs_nest.core.request_scope import RequestScope
from cqrs_nest.core.scanner import ModuleScanner, measure_distances
from cqrs_nest.core.scopes import bubble_request_scope

if TYPE_CHECKING:
    from injector import Injector

T = TypeVar("T")


class CoreModule:
    """What the framework provides in every module without an import."""


class Container:
    """Made by `Container.create`; holds everything that one application is built of.

    >>> import asyncio
    >>> from cqrs_nest.common import Module
    >>> class Cat: ...
    >>> @Module(providers=[Cat])
    ... class CatModule: ...
    >>> container = asyncio.run(Container.create(CatModule))
    >>> isinstance(container.get(Cat), Cat)
    True
    """

    def __init__(self, overrides: Overrides, mocker: Mocker | None) -> None:
        self._overrides = overrides
        self._scanner = ModuleScanner(overrides)
        self._core = ModuleNode(CoreModule, ModuleMetadata(), ())
        self._linker = Linker(self._core, lambda: self._scanner.nodes, mocker)
        self._index: dict[Token, list[Binding]] = {}
        self._logger = Logger("Container")
        self._loading = NestedLock()
        self._starting = asyncio.Lock()
        self._is_started = False
        self._start_failure: Exception | None = None
        self._is_closed = False
        self._discovery = DiscoveryService(lambda: self.modules)
        self.modules: tuple[ModuleNode, ...] = ()
        """The root first, each module before its imports."""
        self._provide_core()

    @classmethod
    async def create(
        cls,
        root: type[Any] | DynamicModule,
        *,
        overrides: Overrides | None = None,
        mocker: Mocker | None = None,
    ) -> Self:
        """Scan the modules from `root` on, link and check all dependencies, and build what exists once.

        No lifecycle hook runs. Raises a CqrsNestError that says what is wrong, or the error of a
        constructor or factory, unchanged. `mocker(token)` is asked for whatever nobody provides; None means
        that it has nothing.
        """
        container = cls(Overrides() if overrides is None else overrides.copy(), mocker)
        await container._load(root, is_root=True)
        return container

    async def initialize(self) -> None:
        """Run `on_module_init` of all modules, then `on_application_bootstrap`. Only the first call does.

        If that failed, later calls raise the same error.
        """
        async with self._starting:
            if self._start_failure is not None:
                raise self._start_failure
            if not self._is_started:
                self._start_failure = StartCancelledError("The application was cancelled while it started.")
                try:
                    await run_start_hooks(self.modules)
                except Exception as error:
                    self._start_failure = error
                    raise
                self._start_failure = None
                self._is_started = True

    async def close(self, signal: str | None = None) -> None:
        """Run the shutdown hooks, the root's first. Only the first call does.

        Every hook runs even if others fail; their errors are raised at the end.
        """
        if not self._is_closed:
            self._is_closed = True
            await run_shutdown_hooks(self.modules, signal)

    def get(self, token: type[T] | InjectionToken[T], *, strict: bool = False) -> T:
        """The one instance of a provider, controller or enhancer of any module; of the last that has it.

        Strict looks only at the root module's own. Raises UnknownProviderError, or ProviderScopeError if the
        provider is request-scoped or transient.
        """
        return self.get_from(self.modules[0] if strict else None, token)

    def get_all(self, token: type[T] | InjectionToken[T]) -> list[T]:
        """The instances of all modules that provide `token`, in the order of the modules."""
        return [_static_instance(binding) for binding in self._find_all(token)]

    async def resolve(self, token: type[T] | InjectionToken[T], scope: RequestScope | None = None) -> T:
        """An instance of any provider: with the same `scope` the same one, without a scope a new one."""
        return await self.resolve_from(None, token, scope)

    def select(self, module: Import) -> ModuleRef:
        """The ModuleRef of one module, or of its replacement. Raises UnknownModuleError."""
        module = self._overrides.of_module(module)
        for node in self.modules:
            if node.cls is module or node is self._scanner.node_of(module):
                return ModuleRef(self, node)
        raise UnknownModuleError(f"{describe_token(module)} is not a module of this application.")

    def app_enhancers(self, key: InjectionToken[Any]) -> tuple[Binding, ...]:
        """All providers of `APP_GUARD`, or of another of the four tokens, the root module's first.

        In the place of an alias stands what it refers to.
        """
        found = (binding for node in self.modules for binding in node.app_enhancers.get(key, ()))
        return tuple(_without_alias(binding) for binding in found)

    def enhancer(self, enhancer: type[Any] | object, module: ModuleNode) -> Binding:
        """The binding of a guard, interceptor, pipe or filter that a controller of `module` lists.

        Raises UnknownProviderError.
        """
        binding = module.enhancers.get(enhancer_key(enhancer))
        if binding is None:
            raise UnknownProviderError(
                f"{describe_token(enhancer)} is not listed by a controller of {module.name}."
            )
        return binding

    def graph(self) -> ModuleGraph:
        """The module graph as data, with `mermaid()` and `tree()`."""
        return module_graph(self.modules)

    def get_from(self, module: ModuleNode | None, token: type[T] | InjectionToken[T]) -> T:
        """`get`, looking at one module's own providers or at all."""
        instance: T = _static_instance(self._find(module, token))
        return instance

    async def resolve_from(
        self, module: ModuleNode | None, token: type[T] | InjectionToken[T], scope: RequestScope | None
    ) -> T:
        """`resolve`, looking at one module's own providers or at all."""
        instance: T = await _instance_in(self._find(module, token), scope)
        return instance

    async def create_in(self, module: ModuleNode, cls: type[T], scope: RequestScope | None) -> T:
        """A new object of `cls`, injected with what `module` sees. It is not registered."""
        instance: T = await _instance_in(self.binding_in(module, cls), scope)
        return instance

    def binding_in(self, module: ModuleNode, cls: type[Any]) -> Binding:
        """How to build a `cls` with what `module` sees. Raises the errors of missing dependencies."""
        binding = Binding(ClassProvider(cls, cls), module, Scope.REQUEST)
        linked = self._linker.link([binding])
        bubble_request_scope(linked)
        for link in (link for each in linked for link in each.links):
            if link.target is not None and link.target.is_static and link.target.instance is MISSING:
                raise NotBuiltYetError(link.target)
        compile_plans([binding])
        return binding

    def injector_of(self, module: ModuleNode) -> Injector:
        """The module's injector, which also knows what the module sees of others."""
        if not module.shows_visible:
            show_visible(module, self._linker.visible(module))
            module.shows_visible = True
        return module.injector

    async def _add(self, root: Import, *, is_root: bool) -> ModuleNode:
        known = len(self.modules)
        try:
            root_node = await self._scanner.scan(root)
            nodes = self._scanner.nodes[known:]
            linked = await self._link(nodes, is_root=is_root)
            await self._build(nodes, linked)
        except BaseException:
            self._scanner.forget_after(known)
            self._show_modules()
            raise
        return root_node

    def _show_modules(self) -> None:
        self.modules = tuple(self._scanner.nodes)
        self._index.clear()

    async def _link(self, nodes: Sequence[ModuleNode], *, is_root: bool) -> list[Binding]:
        for node in nodes:
            create_injector(node)
            register(node, self._overrides)
            self._provide(node, ModuleRef, ModuleRef(self, node))
            bind_own(node)
        await resolve_exports(nodes, self._scanner)
        self._linker.add(nodes, with_globals=is_root)
        linked = self._linker.link([binding for node in nodes for binding in node.bindings()])
        for copy in linked:
            if copy.inquirer is not None:
                copy.inquirer.module.transients.append(copy)
        bubble_request_scope(linked)
        for node in nodes:
            if not node.host.is_static:
                self._logger.warn(
                    "The module class %s needs something request-scoped: it is never built, "
                    "and its hooks do not run",
                    node.name,
                )
            if node.metadata.injector_modules:
                self.injector_of(node)
        measure_distances(self._scanner.nodes)
        self._show_modules()
        return linked

    async def _build(self, nodes: Sequence[ModuleNode], linked: Sequence[Binding]) -> None:
        order, joining = construction_order(linked), set(nodes)
        for binding in order:
            if binding.is_static and binding.instance is MISSING and binding.module not in joining:
                raise NotBuiltYetError(binding)
        known = len(self.modules)
        try:
            await build_static(order)
            compile_plans(linked)
            self._discovery.announce(nodes)
        except BaseException as error:
            await close_after(error, (*nodes, *self.modules[known:]))
            raise

    def _provide_core(self) -> None:
        self._provide(self._core, Reflector, Reflector())
        self._provide(self._core, DiscoveryService, self._discovery)
        self._provide(self._core, LazyModuleLoader, LazyModuleLoader(self._load))
        request = Binding(FactoryProvider(REQUEST, lambda: None, inject=()), self._core, Scope.REQUEST)
        request.key = REQUEST
        request.plan = _request_of
        self._core.own[REQUEST] = request

    def _provide(self, node: ModuleNode, token: Token, value: Any) -> None:
        node.own[token] = Binding(ValueProvider(token, value), node, Scope.DEFAULT)

    async def _load(self, module: Import, *, is_root: bool = False) -> ModuleRef:
        async with self._loading.hold():
            return ModuleRef(self, await self._add(module, is_root=is_root))

    def _find(self, module: ModuleNode | None, token: Token) -> Binding:
        binding = _find_in(module, token) if module is not None else self._find_last(token)
        if binding is not None:
            return binding
        name = describe_token(token)
        if module is None:
            raise UnknownProviderError(f"{name} is not provided by any module of this application.")
        raise UnknownProviderError(
            f"{name} is not a provider of {module.name} itself. To look at all modules, pass strict=False."
        )

    def _find_last(self, token: Token) -> Binding | None:
        found = self._find_all(token)
        return found[-1] if found else self._core.own.get(token)

    def _find_all(self, token: Token) -> list[Binding]:
        found = self._index.get(token)
        if found is None:
            each_module = (_find_in(node, token) for node in self.modules)
            found = [binding for binding in each_module if binding is not None]
            if found:  # there is no end of what is not provided
                self._index[token] = found
        return found


def _find_in(node: ModuleNode, token: Token) -> Binding | None:
    """A provider, controller or enhancer of the module itself."""
    binding = find_own(node, token) or node.enhancers.get(token)
    if binding is None:
        binding = next((each for each in node.controllers if each.token is token), None)
    if binding is None and (cls := alias_class(token)) is not None:
        binding = find_own(node, cls)
    return binding


def _without_alias(binding: Binding) -> Binding:
    while binding.is_alias and (target := binding.links[0].target) is not None:
        binding = target
    return binding


def _static_instance(binding: Binding) -> Any:
    if not binding.is_static:
        name = describe_token(binding.token)
        each = "consumer" if binding.scope is Scope.TRANSIENT else "request"
        raise ProviderScopeError(
            f"{name} of {binding.module.name} is {binding.scope.value}-scoped: there is one per {each}, so "
            f"get() cannot choose. Use await resolve({name})."
        )
    if binding.instance is MISSING and isinstance(binding.definition, FactoryProvider):
        factory = binding.definition.factory
        if isinstance(factory, PlainFactory):
            binding.instance = factory()
    if binding.instance is MISSING:
        raise NotBuiltYetError(binding)
    return binding.instance


async def _instance_in(binding: Binding, scope: RequestScope | None) -> Any:
    if binding.is_static:
        return _static_instance(binding)
    built = binding.build(scope or RequestScope())
    return await built if binding.is_async else built


def _request_of(scope: RequestScope) -> Any:
    return scope.request
