"""Says why a dependency cannot be met, and what to do about it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from types import FunctionType
from typing import Any

from cqrs_nest.common.metadata import find_metadata
from cqrs_nest.common.modules import MODULE
from cqrs_nest.common.providers import HOW_TO_PROVIDE, ClassProvider, FactoryProvider
from cqrs_nest.common.tokens import Token, describe_token
from cqrs_nest.core.annotations import UnreadableAnnotation
from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.dependencies import MISSING, Dependency, alias_class, followed, is_hashable, union_members
from cqrs_nest.core.errors import CircularDependencyError, UnresolvedDependencyError, error_text
from cqrs_nest.core.exports import find_own


def unresolved(
    modules: Sequence[ModuleNode], binding: Binding, dependency: Dependency
) -> UnresolvedDependencyError:
    """The error for one dependency of a binding."""
    token = dependency.token
    if isinstance(token, UnreadableAnnotation):
        reason, fix = _explain_annotation(token, dependency)
    else:
        reason, fix = _explain_token(modules, binding, token)
    facts = {
        "parameter": _place(dependency),
        "token": None if isinstance(token, UnreadableAnnotation) else describe_token(token),
        "module": _module_path(binding.module),
        "source": _source(binding),
        "reason": reason,
        "fix": fix,
    }
    subject = f"{_owner(binding)} ({_parameter_list(binding, dependency)})"
    return UnresolvedDependencyError(error_text(f"Cannot resolve the dependencies of {subject}.", facts))


def circular(path: Sequence[Binding]) -> CircularDependencyError:
    """The error for bindings that need each other; the path starts anywhere on the circle."""
    steps = [f"{_owner(each)} ({each.module.name})" for each in (*path, path[0])]
    facts = {"path": " -> ".join(steps), "fix": _cycle_fix(path)}
    return CircularDependencyError(error_text("A circular dependency cannot be built.", facts))


def _cycle_fix(path: Sequence[Binding]) -> str:
    if not all(isinstance(each.definition, ClassProvider) for each in path):
        return "factories and aliases cannot be part of a circle; let one of them use ModuleRef later"
    if any(each.template is not each or not each.is_static for each in path):
        return "transient providers cannot be part of a circle; let one of them use ModuleRef later"
    name = _owner(path[0])
    return (
        f"take one apart or, if each can do with the other half-built at first, mark both sides: "
        f'Annotated["{name}", Inject(forward_ref(lambda: {name}))]'
    )


def _owner(binding: Binding) -> str:
    definition = binding.definition
    return describe_token(definition.cls if isinstance(definition, ClassProvider) else binding.token)


def _parameter_list(binding: Binding, missing: Dependency) -> str:
    shown: list[str] = []
    for each in binding.dependencies:
        if each.position < 0:
            continue
        token = followed(each.token)
        if (each.position, each.name) == (missing.position, missing.name):
            shown.append("?")
        elif token is MISSING or isinstance(token, UnreadableAnnotation):
            shown.append(each.name or "...")
        else:
            shown.append(describe_token(token))
    if missing.position < 0:
        shown.append(f"{missing.name}=?")
    return ", ".join(shown)


def _place(dependency: Dependency) -> str:
    if dependency.position < 0:
        return f"property {dependency.name}"
    name = "" if dependency.name is None else f"{dependency.name} "
    return f"{name}at index [{dependency.position}]"


def _module_path(module: ModuleNode) -> str:
    return module.name if len(module.path) == 1 else f"{module.name} ({' -> '.join(module.path)})"


def _source(binding: Binding) -> str | None:
    """File and line of the constructor or factory, or of the class if its constructor was generated."""
    definition = binding.definition
    subject: Any = None
    if isinstance(definition, ClassProvider):
        subject = inspect.unwrap(definition.cls.__init__)
        if not isinstance(subject, FunctionType) or subject.__code__.co_filename.startswith("<"):
            subject = definition.cls
    elif isinstance(definition, FactoryProvider):
        subject = inspect.unwrap(definition.factory)
    try:
        return f"{inspect.getsourcefile(subject)}:{inspect.getsourcelines(subject)[1]}"
    except (OSError, TypeError):
        return None


def _explain_annotation(unreadable: UnreadableAnnotation, dependency: Dependency) -> tuple[str, str]:
    if unreadable.text is None:
        return (
            f'the parameter "{dependency.name}" has no annotation, so nothing says what to inject',
            "annotate it, give it a default, or name the tokens of a factory with inject=[...]",
        )
    if unreadable.is_ambiguous:
        return (
            f'the annotation "{unreadable.text}" is the name of several local classes of this application',
            "define them at module level, or name the token: Annotated[..., Inject(TOKEN)]",
        )
    return (
        f'the annotation "{unreadable.text}" cannot be read at run time',
        'import its names outside of "if TYPE_CHECKING:", and define them at module level; '
        "or name the token: Annotated[..., Inject(TOKEN)]",
    )


def _explain_token(modules: Sequence[ModuleNode], binding: Binding, token: Token) -> tuple[str, str]:
    node, name = binding.module, describe_token(token)
    if not is_hashable(token):
        return (
            f"{name} cannot be hashed, so nothing can be provided under it",
            "name a class, an InjectionToken or a text",
        )
    if union_members(token):
        return (
            f"{name} is a union, and nothing says which of its members is meant",
            "name one: Annotated[..., Inject(TOKEN)]",
        )
    if binding.token == token:
        return f"{name} depends on itself", "take another token for what it wraps"
    for key in filter(None, (token, alias_class(token))):
        found = _explain_by_owners(modules, node, key)
        if found is not None:
            return found
    if find_metadata(token, MODULE) is not None:
        return f"{name} is a module, which is injected only within itself", "inject what it exports"
    listing = _listed_as_module(modules, token)
    if listing is not None:
        return (
            f"{name} is listed in the imports of {listing} as if it were a module",
            f"move {name} to the providers of {listing}",
        )
    if any(each.token is token for module in modules for each in module.controllers):
        return (
            f"{name} is a controller, and controllers are not injectable",
            "move the shared part to a provider",
        )
    return f"it is not provided anywhere{_namesake(modules, token)}", _missing_fix(node.name, token)


def _explain_by_owners(
    modules: Sequence[ModuleNode], node: ModuleNode, token: Token
) -> tuple[str, str] | None:
    """For what other modules provide but `node` does not see."""
    exporters = [each for each in modules if token in each.exported]
    if exporters:
        missing = exporters[0].name
        return (
            f"{_names(exporters)} {_verb('export', exporters)} it, but {node.name} does not import {missing}",
            f"add {missing} to the imports of {node.name}",
        )
    owners = [each for each in modules if find_own(each, token) not in (None, each.host)]
    if not owners:
        return None
    source = next((each for each in node.imports if each in owners), owners[0])
    imported = "" if source in node.imports else f", and {source.name} to the imports of {node.name}"
    return (
        f"{_names(owners)} {_verb('provide', owners)} it but {_verb('do', owners)} not export it",
        f"add {describe_token(token)} to the exports of {source.name}{imported}",
    )


def _listed_as_module(modules: Sequence[ModuleNode], token: Token) -> str | None:
    """The module that imports a plain class, which is then taken for a module without any lists."""
    importers = (each for each in modules if any(imported.cls is token for imported in each.imports))
    return next((each.name for each in importers), None)


def _verb(verb: str, modules: Sequence[ModuleNode]) -> str:
    if len({each.name for each in modules}) > 1:
        return verb
    return "does" if verb == "do" else f"{verb}s"


def _missing_fix(module: str, token: Token) -> str:
    name = describe_token(token)
    known = find_metadata(alias_class(token) or token, HOW_TO_PROVIDE)
    if known is not None:
        return known.format(module=module)
    if getattr(token, "__module__", None) == "builtins":
        return f"say which {name}: Annotated[{name}, Inject(TOKEN)] with provide(TOKEN, ...), or a default"
    return f"add {name} to the providers of {module}, or import the module that exports it"


def _names(modules: Iterable[ModuleNode]) -> str:
    return " and ".join(dict.fromkeys(each.name for each in modules))


def _namesake(modules: Sequence[ModuleNode], token: Token) -> str:
    """Points at a provided class with the same name: two files may define one each."""
    if not isinstance(token, type):
        return ""
    for node in modules:
        for other in node.own:
            if isinstance(other, type) and other.__name__ == token.__name__ and other is not token:
                return f" ({node.name} provides another {token.__name__}, of {other.__module__})"
    return ""
