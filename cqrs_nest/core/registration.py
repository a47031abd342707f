"""Turns the lists of a module into bindings; replacements are put in here, before anything is linked."""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from typing import Any

from cqrs_nest.common.execution import ENHANCER_KEYS, enhancers_of
from cqrs_nest.common.metadata import find_metadata, own_metadata
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.common.parameters import ParameterMarker
from cqrs_nest.common.providers import (
    INJECTABLE,
    ClassProvider,
    ExistingProvider,
    FactoryProvider,
    InjectableOptions,
    ProviderDefinition,
    Scope,
    ValueProvider,
)
from cqrs_nest.common.routing import CONTROLLER, ROUTES
from cqrs_nest.common.tokens import Token, describe_token
from cqrs_nest.core.annotations import Namespace
from cqrs_nest.core.app_tokens import APP_TOKENS
from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.dependencies import alias_class
from cqrs_nest.core.errors import InvalidModuleError, InvalidProviderError, wrong_entry
from cqrs_nest.core.overrides import Overrides

_NOT_INJECTABLE = InjectableOptions()


def register(node: ModuleNode, overrides: Overrides) -> None:
    """Bind the module's own class, its providers, its controllers and what its controllers use."""
    node.host = Binding(ClassProvider(node.cls, node.cls), node, Scope.DEFAULT)
    node.own[node.cls] = node.host
    _register_providers(node, overrides)
    for index, controller in enumerate(node.metadata.controllers):
        _check_controller(node, index, controller)
        binding = Binding(ClassProvider(controller, controller), node, _controller_scope(controller))
        binding.scope_sources = [_enhancer(node, each, overrides) for each in enhancers_in(controller)]
        node.controllers.append(binding)


def _register_providers(node: ModuleNode, overrides: Overrides) -> None:
    providers: dict[Any, Binding] = {}
    for index, entry in enumerate(node.metadata.providers):
        definition = _definition(node, index, entry)
        replaced = overrides.of_provider(definition)
        binding = Binding(replaced, node, _scope_of(replaced))
        if definition.token in APP_TOKENS:
            node.app_enhancers.setdefault(definition.token, []).append(binding)
            providers[binding] = binding
        else:
            providers[definition.token] = node.own[definition.token] = binding
    for token, definition in overrides.providers.items():
        if token not in node.own and _is_plainly_bound(node, token):
            providers[token] = node.own[token] = Binding(definition, node, _scope_of(definition))
    node.providers.extend(providers.values())


def _is_plainly_bound(node: ModuleNode, token: Token) -> bool:
    """Whether one of the module's plain injector modules binds the token."""
    return bool(node.metadata.injector_modules) and node.injector.binder.has_explicit_binding_for(token)


def _definition(node: ModuleNode, index: int, entry: Any) -> ProviderDefinition:
    """The long form of an entry. Raises InvalidProviderError for anything that is not a provider."""
    definition = ClassProvider(entry, entry) if isinstance(entry, type) else entry
    if isinstance(definition, ClassProvider | ValueProvider | FactoryProvider | ExistingProvider):
        reason = _why_not_usable(definition)
        if reason is None:
            return definition
    else:
        reason = _why_no_provider(entry)
    raise InvalidProviderError(wrong_entry(node, "providers", index, reason))


def _why_not_usable(definition: ProviderDefinition) -> str | None:
    if not isinstance(definition.token, Hashable):
        return f"the token {definition.token!r} cannot be hashed"
    reason = None
    if isinstance(definition, ClassProvider):
        reason = _why_no_class(definition)
    elif isinstance(definition, FactoryProvider):
        reason = _why_no_factory(definition)
    return reason or _why_no_scope(definition.token, _scope_of(definition))


def _why_no_scope(token: Token, scope: object) -> str | None:
    if isinstance(scope, Scope):
        return None
    return f"the scope of {describe_token(token)} is not a Scope: {scope!r}"


def _why_no_class(definition: ClassProvider) -> str | None:
    cls: Any = definition.cls
    if not isinstance(cls, type):
        return f"the use_class of {describe_token(definition.token)} is not a class: {cls!r}"
    if inspect.isabstract(cls) or cls.__dict__.get("_is_protocol"):
        name = describe_token(cls)
        return f"{name} is abstract; write provide({name}, use_class=...) with a class that can be built"
    return None


def _why_no_factory(definition: FactoryProvider) -> str | None:
    factory: Any = definition.factory
    if not callable(factory):
        return f"the use_factory of {describe_token(definition.token)} cannot be called: {factory!r}"
    if inspect.isgeneratorfunction(factory) or inspect.isasyncgenfunction(factory):
        return (
            f"the use_factory of {describe_token(definition.token)} is a generator; return an object, "
            "and let its on_module_destroy close it"
        )
    if definition.inject is not None:
        try:
            inspect.signature(factory).bind(*definition.inject)
        except TypeError as error:
            name = getattr(factory, "__qualname__", factory)
            return f"inject=[...] does not fit {name}: {error}"
        except ValueError:  # a built-in function that does not tell its parameters
            return None
    return None


def _why_no_provider(entry: object) -> str:
    if entry is None:
        return "the entry is None, perhaps because two files import each other"
    if isinstance(entry, DynamicModule):
        return f"{describe_token(entry.module)} is a module and belongs into imports"
    if isinstance(entry, dict):
        return f"{entry!r} is a mapping; write provide(TOKEN, use_value=...) or one of its other forms"
    bare = _bare_decorator(entry)
    if bare is not None:
        return f"a decorator has no parentheses: write @{bare}(...)"
    alias = alias_class(entry)
    if alias is not None:
        name = describe_token(entry)
        return f"{name} is a generic alias; write provide({name}, use_class={describe_token(alias)})"
    cls = describe_token(type(entry))
    return f"{entry!r} is an object; for a ready-made one write provide({cls}, use_value=...)"


def _bare_decorator(entry: object) -> str | None:
    """The name of a decorator that was written without parentheses: what it should have made is left over."""
    name, _, rest = getattr(entry, "__qualname__", "").partition(".<locals>.")
    return name if rest == "decorate" else None


def _scope_of(definition: ProviderDefinition) -> Scope:
    if isinstance(definition, ClassProvider):
        return definition.scope or find_metadata(definition.cls, INJECTABLE, _NOT_INJECTABLE).scope
    if isinstance(definition, FactoryProvider):
        return definition.scope or Scope.DEFAULT
    return Scope.DEFAULT


def _check_controller(node: ModuleNode, index: int, controller: Any) -> None:
    if isinstance(controller, type) and find_metadata(controller, CONTROLLER) is not None:
        return
    name = describe_token(controller)
    reason, fix = (
        f"{name} is not decorated with @Controller()",
        f"decorate {name}, or move it to the providers",
    )
    raise InvalidModuleError(wrong_entry(node, "controllers", index, reason, fix))


def _controller_scope(controller: type[Any]) -> Scope:
    options = find_metadata(controller, CONTROLLER)
    return options.scope if options is not None else Scope.DEFAULT


def enhancer_key(enhancer: Any) -> Any:
    """A class stands for its one instance in a module, an instance for itself."""
    return enhancer if isinstance(enhancer, type) else id(enhancer)


def _enhancer(node: ModuleNode, enhancer: Any, overrides: Overrides) -> Binding:
    key = enhancer_key(enhancer)
    if key not in node.enhancers:
        if isinstance(enhancer, type):
            definition = overrides.of_enhancer(ClassProvider(enhancer, enhancer))
        else:
            definition = ValueProvider(type(enhancer), enhancer)
        scope = _scope_of(definition)
        binding = Binding(definition, node, Scope.REQUEST if scope is Scope.REQUEST else Scope.DEFAULT)
        node.enhancers[key] = binding
    return node.enhancers[key]


def enhancers_in(controller: type[Any]) -> list[Any]:
    """Guards, interceptors, pipes and filters of a controller, its routes and their parameters."""
    found = [each for key in ENHANCER_KEYS for each in enhancers_of(controller, key)]
    members = {name: each for base in reversed(controller.__mro__) for name, each in vars(base).items()}
    for handler in members.values():
        metadata = own_metadata(handler)
        if ROUTES in metadata:
            found.extend(each for key in ENHANCER_KEYS for each in metadata.get(key, ()))
            found.extend(_parameter_pipes(handler, controller))
    return found


def _parameter_pipes(handler: Any, controller: type[Any]) -> list[Any]:
    namespace = Namespace(inspect.unwrap(handler), controller, {})
    annotations = [namespace.read(each) for each in handler.__annotations__.values()]
    markers = [marker for each in annotations for marker in getattr(each, "__metadata__", ())]
    return [pipe for marker in markers if isinstance(marker, ParameterMarker) for pipe in marker.pipes]
