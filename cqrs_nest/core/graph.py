"""The module graph of an application as data, as a Mermaid diagram and as a readable tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cqrs_nest.common.tokens import describe_token
from cqrs_nest.core.app_tokens import APP_TOKENS
from cqrs_nest.core.bindings import Binding, ModuleNode


@dataclass(frozen=True, slots=True)
class GraphModule:
    """One module; `imports` and `exports` of modules are ids of other modules."""

    id: str
    name: str
    is_global: bool
    imports: tuple[str, ...]
    providers: tuple[str, ...]
    controllers: tuple[str, ...]
    exports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModuleGraph:
    """All modules, the root first."""

    modules: tuple[GraphModule, ...]

    def mermaid(self) -> str:
        """A flowchart in Mermaid's language: an arrow from each module to what it imports."""
        lines = ["flowchart TD"]
        for module in self.modules:
            shape = f'{module.id}(["{module.name}"])' if module.is_global else f'{module.id}["{module.name}"]'
            lines.append(f"    {shape}")
        for module in self.modules:
            lines.extend(f"    {module.id} --> {imported}" for imported in module.imports)
        return "\n".join(lines)

    def tree(self) -> str:
        """The modules by import, with their controllers and providers; `*` marks what is exported.

        A module that stands further up is shown by its name alone. Modules that were loaded later come last.
        """
        by_id = {module.id: module for module in self.modules}
        lines: list[str] = []
        shown: set[str] = set()

        for top in self.modules:
            pending = [] if top.id in shown else [(top, "")]
            while pending:
                module, indent = pending.pop()
                label = f"{module.name} (global)" if module.is_global else module.name
                if module.id in shown:
                    lines.append(f"{indent}{label} (see above)")
                    continue
                shown.add(module.id)
                lines.append(f"{indent}{label}")
                inner = f"{indent}  "
                lines.extend(f"{inner}- {controller} (controller)" for controller in module.controllers)
                for provider in module.providers:
                    lines.append(f"{inner}- {provider}{' *' if provider in module.exports else ''}")
                pending.extend((by_id[imported], inner) for imported in reversed(module.imports))
        return "\n".join(lines)


def module_graph(nodes: Sequence[ModuleNode]) -> ModuleGraph:
    """Describe the modules of an application."""
    ids = {node: f"m{index}" for index, node in enumerate(nodes)}
    return ModuleGraph(tuple(_describe(node, ids) for node in nodes))


def _describe(node: ModuleNode, ids: dict[ModuleNode, str]) -> GraphModule:
    return GraphModule(
        id=ids[node],
        name=node.name,
        is_global=node.is_global,
        imports=tuple(ids[imported] for imported in node.imports),
        providers=tuple(_describe_provider(binding) for binding in node.providers),
        controllers=tuple(describe_token(binding.token) for binding in node.controllers),
        exports=(
            *(describe_token(token) for token in node.exported),
            *(ids[reexported] for reexported in node.reexported),
        ),
    )


def _describe_provider(binding: Binding) -> str:
    """Its token; several may stand under `APP_GUARD` and its like, so there the class tells more."""
    if binding.token in APP_TOKENS and binding.cls is not None:
        return f"{binding.token.name}: {describe_token(binding.cls)}"
    return describe_token(binding.token)
