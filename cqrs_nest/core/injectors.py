"""One `injector.Injector` for each module: the registry that plain injector code can read and extend.

The kernel never asks it on the request path, and never lets it run constructors of the application: an
injector holds one lock for all injectors while it builds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from injector import Injector, Provider

from cqrs_nest.common.providers import FactoryProvider, Scope
from cqrs_nest.common.tokens import Token
from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.dependencies import MISSING, alias_class
from cqrs_nest.core.errors import NotBuiltYetError, ProviderScopeError
from cqrs_nest.core.request_scope import current_request_scope


class BindingProvider(Provider[Any]):
    """Gives what the owning module built, whoever asks."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding

    def get(self, injector: Injector) -> Any:
        binding = self._binding
        if binding.is_static:
            if binding.instance is MISSING:
                raise NotBuiltYetError(binding)
            return binding.instance
        if binding.scope is Scope.TRANSIENT:
            raise ProviderScopeError(f"{binding!r} is transient: use await module_ref.resolve(...)")
        scope = current_request_scope.get()
        if scope is None:
            raise ProviderScopeError(f"{binding!r} is request-scoped: there is no request here")
        if binding.is_async:
            raise ProviderScopeError(f"{binding!r} has an async factory: use await module_ref.resolve(...)")
        return binding.build(scope)


def create_injector(node: ModuleNode) -> None:
    """The module's injector with its plain modules installed."""
    node.injector = Injector(node.metadata.injector_modules, auto_bind=False)


def bind_own(node: ModuleNode) -> None:
    """Bind the module's own providers, which win over those of its plain modules."""
    for token, binding in node.own.items():
        bind(node.injector, token, binding)


def show_visible(node: ModuleNode, visible: Mapping[Token, Binding]) -> None:
    """Let the injector give what the module sees of others."""
    for token, binding in visible.items():
        if not node.injector.binder.has_explicit_binding_for(token):
            bind(node.injector, token, binding)


def bind(injector: Injector, token: Token, binding: Binding) -> None:
    """Let `injector.get(token)` give the binding's instance. Lists and dicts are multibindings there."""
    provider = BindingProvider(binding)
    if alias_class(token) in (list, dict):
        injector.binder.multibind(token, to=provider)
    else:
        injector.binder.bind(token, to=provider)


class PlainFactory:
    """Fetches a key that a plain injector module binds."""

    __slots__ = ("_injector", "_token")

    def __init__(self, injector: Injector, token: Token) -> None:
        self._injector = injector
        self._token = token

    def __call__(self) -> Any:
        return self._injector.get(self._token)


def plain_binding(node: ModuleNode, token: Token) -> Binding | None:
    """A key that only the module's plain injector modules bind, as a provider: fetched once, at start."""
    if not node.injector.binder.has_explicit_binding_for(token):
        return None
    definition = FactoryProvider(token, PlainFactory(node.injector, token), inject=())
    binding = node.own[token] = Binding(definition, node, Scope.DEFAULT)
    node.providers.append(binding)
    return binding
