"""What runs an application: its module graph, its container and its lifecycle. Knows no HTTP and no AWS."""

from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.configurable_module import ConfigurableModule, OptionsFactory
from cqrs_nest.core.container import Container
from cqrs_nest.core.discovery import DiscoveryService
from cqrs_nest.core.errors import (
    CircularDependencyError,
    CqrsNestError,
    InvalidModuleError,
    InvalidProviderError,
    NotBuiltYetError,
    ProviderScopeError,
    StartCancelledError,
    UnknownExportError,
    UnknownModuleError,
    UnknownProviderError,
    UnresolvedDependencyError,
)
from cqrs_nest.core.graph import GraphModule, ModuleGraph
from cqrs_nest.core.lazy_modules import LazyModuleLoader
from cqrs_nest.core.module_ref import ModuleRef
from cqrs_nest.core.overrides import Overrides
from cqrs_nest.core.request_scope import RequestScope, current_request_scope

__all__ = [
    "Binding",
    "CircularDependencyError",
    "ConfigurableModule",
    "Container",
    "CqrsNestError",
    "DiscoveryService",
    "GraphModule",
    "InvalidModuleError",
    "InvalidProviderError",
    "LazyModuleLoader",
    "ModuleGraph",
    "ModuleNode",
    "ModuleRef",
    "NotBuiltYetError",
    "OptionsFactory",
    "Overrides",
    "ProviderScopeError",
    "RequestScope",
    "StartCancelledError",
    "UnknownExportError",
    "UnknownModuleError",
    "UnknownProviderError",
    "UnresolvedDependencyError",
    "current_request_scope",
]
