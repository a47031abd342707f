"""Works out what each module lets its importers see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.common.providers import ClassProvider, ExistingProvider, FactoryProvider, ValueProvider
from cqrs_nest.common.tokens import Token, describe_token
from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.dependencies import is_hashable
from cqrs_nest.core.errors import InvalidModuleError, UnknownExportError, error_text, wrong_entry
from cqrs_nest.core.injectors import plain_binding
from cqrs_nest.core.scanner import ModuleScanner


async def resolve_exports(nodes: Sequence[ModuleNode], scanner: ModuleScanner) -> None:
    """Fill `exports` of each module. Raises UnknownExportError."""
    for node in nodes:
        reexported: set[ModuleNode] = set()
        for index, entry in enumerate(node.metadata.exports):
            token = await _exported(node, index, entry, scanner)
            binding = find_own(node, token)
            if binding is not None and binding is not node.host:
                node.exported[token] = binding
                continue
            variants = [each for each in node.imports if each.cls is token or each is scanner.node_of(token)]
            if not variants:
                raise _unknown_export(node, token)
            reexported.update(variants)
        node.reexported = [each for each in node.imports if each in reexported]
    for node in nodes:
        _collect(node)


def find_own(node: ModuleNode, token: Token) -> Binding | None:
    """The module's own provider, be it listed or bound by one of its plain injector modules."""
    binding = node.own.get(token)
    if binding is None and node.metadata.injector_modules:
        binding = plain_binding(node, token)
    return binding


async def _exported(node: ModuleNode, index: int, entry: Any, scanner: ModuleScanner) -> Token:
    reason = None
    try:
        token = await scanner.resolve(_token_of(entry))
    except (NameError, AttributeError, ImportError) as error:
        reason = f"forward_ref(...) failed: {error}"
    else:
        if token is None:
            reason = "the entry is None, perhaps because two files import each other"
        elif not is_hashable(token):
            reason = f"{token!r} cannot be hashed, so nothing can be provided under it"
        else:
            return token
    raise InvalidModuleError(wrong_entry(node, "exports", index, reason))


def _token_of(entry: Any) -> Token:
    if isinstance(entry, ClassProvider | ValueProvider | FactoryProvider | ExistingProvider):
        return entry.token
    return entry


def _unknown_export(node: ModuleNode, token: Token) -> UnknownExportError:
    name = describe_token(token.module if isinstance(token, DynamicModule) else token)
    source = next((each for each in node.imports if token in each.own), None)
    if any(controller.token is token for controller in node.controllers):
        fix = f"remove it: {name} is a controller, and controllers are not injectable"
    elif source is not None:
        fix = f"{name} comes from {source.name}; export {source.name} instead"
    else:
        fix = f"add {name} to the providers of {node.name}, or to its imports if it is a module"
    reason = f"{name} is neither a provider of {node.name} nor a module that it imports"
    facts = {"reason": reason, "module path": " -> ".join(node.path), "fix": fix}
    return UnknownExportError(error_text(f"{node.name} cannot export {name}.", facts))


def _collect(node: ModuleNode) -> None:
    """Own exports first, then those of re-exported modules at the place of their import."""
    visited: set[ModuleNode] = set()
    pending = [node]
    while pending:
        source = pending.pop()
        if source not in visited:
            visited.add(source)
            for token, binding in source.exported.items():
                node.exports.setdefault(token, binding)
            pending.extend(reversed(source.reexported))
