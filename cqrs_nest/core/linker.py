"""Finds, for each dependency, the provider that its module sees."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cqrs_nest.common.logger import Logger
from cqrs_nest.common.providers import (
    ClassProvider,
    ExistingProvider,
    FactoryProvider,
    Scope,
    ValueProvider,
)
from cqrs_nest.common.tokens import INQUIRER, Token, describe_token
from cqrs_nest.core.annotations import KnownClasses, UnreadableAnnotation
from cqrs_nest.core.bindings import Binding, Link, ModuleNode
from cqrs_nest.core.dependencies import (
    MISSING,
    Dependency,
    alias_class,
    dependencies_of_class,
    dependencies_of_factory,
    followed,
    is_hashable,
    union_members,
)
from cqrs_nest.core.diagnosis import circular, unresolved
from cqrs_nest.core.exports import find_own
from cqrs_nest.core.local_classes import LocalClasses

Mocker = Callable[[Token], Any]


class Linker:
    """Knows the modules of one application and what each of them sees.

    The order is the module's own providers, the exports of its imports in their order, the exports of
    global modules, and at last what the framework itself provides in every module.
    """

    def __init__(
        self, core: ModuleNode, modules: Callable[[], Sequence[ModuleNode]], mocker: Mocker | None
    ) -> None:
        self._core = core
        self._modules = modules
        self._mocker = mocker
        self._global: dict[Token, Binding] = {}
        self._local_classes = LocalClasses()
        self._warned: set[tuple[ModuleNode, Token]] = set()
        self._logger = Logger("Container")

    def add(self, nodes: Iterable[ModuleNode], *, with_globals: bool) -> None:
        """Make modules known; their exports are resolved."""
        for node in nodes:
            if node.is_global and with_globals:
                for token, binding in node.exports.items():
                    self._global.setdefault(token, binding)
            for binding in (*node.own.values(), *node.controllers, *node.enhancers.values()):
                for cls in (binding.token, binding.cls):
                    self._local_classes.add(cls)

    def find(self, node: ModuleNode, token: Token) -> Binding | None:
        """The provider of `token` that `node` sees. A generic alias falls back to its class."""
        found = self._find(node, token)
        if found is None:
            cls = alias_class(token)
            if cls is not None:
                found = self._find(node, cls)
        return found

    def _find(self, node: ModuleNode, token: Token) -> Binding | None:
        own = find_own(node, token)
        if own is not None:
            return own
        for imported in node.imports:
            found = imported.exports.get(token)
            if found is not None:
                return found
        return self._global.get(token) or self._core.own.get(token)

    def visible(self, node: ModuleNode) -> dict[Token, Binding]:
        """All that `node` sees of other modules."""
        return {**ChainMap(*(each.exports for each in node.imports), self._global, self._core.own)}

    def link(self, bindings: Iterable[Binding]) -> list[Binding]:
        """Link bindings and the copies of transient providers made for them; gives all of them.

        Raises UnresolvedDependencyError, or CircularDependencyError for transient providers that need
        each other.
        """
        linked = list(bindings)
        for binding in linked:
            binding.dependencies = _dependencies(
                binding, self._local_classes.seen_from(binding.module, self.find)
            )
            copies: dict[Binding, Binding] = {}
            for dependency in binding.dependencies:
                link = self._link(binding, dependency)
                target = link.target
                if target is not None and target.scope is Scope.TRANSIENT and not link.is_deferred:
                    if target not in copies:
                        copies[target] = _copy_for(binding, target)
                        linked.append(copies[target])
                    link.target = copies[target]
                binding.links.append(link)
        return linked

    def _link(self, binding: Binding, dependency: Dependency) -> Link:
        token = followed(dependency.token)
        if token is MISSING:
            return Link(dependency, None, dependency.default)
        if token is not dependency.token:
            dependency = dependency._replace(token=token)
        if token is INQUIRER:
            return _link_inquirer(binding, dependency)
        if isinstance(token, UnreadableAnnotation) or not is_hashable(token):
            raise unresolved(self._modules(), binding, dependency)
        target = self._find_for(binding, token)
        if target is None and self._mocker is not None and _may_be_mocked(dependency):
            target = self._mock(token)
        if target is not None:
            return Link(dependency, target)
        if dependency.default is MISSING or self._is_ambiguous(binding.module, token):
            raise unresolved(self._modules(), binding, dependency)
        return Link(dependency, None, dependency.default)

    def _is_ambiguous(self, node: ModuleNode, token: Token) -> bool:
        """For a union: whether one of its members could have been meant."""
        return any(self.find(node, member) is not None for member in union_members(token))

    def _find_for(self, binding: Binding, token: Token) -> Binding | None:
        target = self.find(binding.module, token)
        if target is None or target is binding.template:
            return None
        if target.module is not binding.module:
            self._warn_if_ambiguous(binding.module, token, target)
        return target

    def _warn_if_ambiguous(self, node: ModuleNode, token: Token, target: Binding) -> None:
        sources = [each for each in node.imports if each.exports.get(token, target) is not target]
        if sources and target is not self._global.get(token) and (node, token) not in self._warned:
            self._warned.add((node, token))
            self._logger.warn(
                "%s sees %s from %s and also from %s: the first import wins",
                node.name,
                describe_token(token),
                target.module.name,
                ", ".join(each.name for each in sources),
            )

    def _mock(self, token: Token) -> Binding | None:
        assert self._mocker is not None  # noqa: S101
        mock = self._mocker(token)
        if mock is None:
            return None
        binding = Binding(ValueProvider(token, mock), self._core, Scope.DEFAULT)
        self._core.own[token] = binding
        return binding


def _dependencies(binding: Binding, known: KnownClasses) -> tuple[Dependency, ...]:
    definition = binding.definition
    if isinstance(definition, ClassProvider):
        return dependencies_of_class(definition.cls, known)
    if isinstance(definition, FactoryProvider):
        return dependencies_of_factory(definition.factory, definition.inject, known)
    if isinstance(definition, ExistingProvider):
        return (Dependency(None, 0, definition.existing),)
    return ()


def _copy_for(consumer: Binding, transient: Binding) -> Binding:
    """The consumer's own copy of a transient provider."""
    path = [consumer.template]
    inquirer = consumer.inquirer
    while inquirer is not None and transient not in path:
        path.append(inquirer.template)
        inquirer = inquirer.inquirer
    if transient in path:
        raise circular(path[::-1])
    copy = Binding(transient.definition, transient.module, Scope.DEFAULT)
    copy.template = transient
    copy.inquirer = consumer
    return copy


def _may_be_mocked(dependency: Dependency) -> bool:
    """A default other than None is as good as a mock."""
    return dependency.default is MISSING or dependency.default is None


def _link_inquirer(binding: Binding, dependency: Dependency) -> Link:
    """The consumer is handed over before its constructor runs, which is when its transients are built."""
    consumer = binding.inquirer
    if consumer is None or not isinstance(consumer.definition, ClassProvider):
        return Link(dependency, None)
    link = Link(dependency, consumer)
    link.is_deferred = True
    return link
