"""Replacements that a test puts in the place of providers, enhancers and modules."""

from __future__ import annotations

from typing import Any

from cqrs_nest.common.modules import Import
from cqrs_nest.common.providers import ClassProvider, ProviderDefinition
from cqrs_nest.common.tokens import Token
from cqrs_nest.core.app_tokens import APP_TOKENS


class Overrides:
    """What is built in the place of what. They are applied before anything is built, in every module."""

    def __init__(self) -> None:
        self.providers: dict[Token, ProviderDefinition] = {}
        self._enhancers: dict[type[Any], ProviderDefinition] = {}
        self._modules: dict[Import, Import] = {}

    def copy(self) -> Overrides:
        """The replacements of now; what is replaced later is not in it."""
        copied = Overrides()
        copied.providers = dict(self.providers)
        copied._enhancers = dict(self._enhancers)
        copied._modules = dict(self._modules)
        return copied

    def provider(self, token: Token, definition: ProviderDefinition) -> None:
        """Replace every provider of `token`. The last override wins; an unknown token does nothing."""
        self.providers[token] = definition

    def enhancer(self, cls: type[Any], definition: ProviderDefinition) -> None:
        """Replace a guard, interceptor, pipe or filter that is listed by class."""
        self._enhancers[cls] = definition

    def module(self, module: Import, replacement: Import) -> None:
        """Import `replacement` wherever `module`, a class or one dynamic module, is imported."""
        self._modules[module] = replacement

    def of_provider(self, definition: ProviderDefinition) -> ProviderDefinition:
        """The definition to use for an entry of `providers`."""
        if definition.token in APP_TOKENS:
            return self.of_enhancer(definition) if isinstance(definition, ClassProvider) else definition
        return self.providers.get(definition.token, definition)

    def of_enhancer(self, definition: ClassProvider) -> ProviderDefinition:
        """The definition to use for an enhancer given by class."""
        return self._enhancers.get(definition.cls, definition)

    def of_module(self, entry: Import) -> Import:
        """The module to use for an entry of `imports`."""
        return self._modules.get(entry, entry)
