"""What modules see of each other, compared with a small model on random module graphs."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cqrs_nest.common import DynamicModule, Inject, InjectionToken, forward_ref, provide
from cqrs_nest.core import Container

TOKENS = [InjectionToken[str](f"T{number}") for number in range(3)]


class Reader:
    """Takes whatever its module sees under each token."""

    def __init__(
        self,
        t0: Annotated[str | None, Inject(TOKENS[0])],
        t1: Annotated[str | None, Inject(TOKENS[1])],
        t2: Annotated[str | None, Inject(TOKENS[2])],
    ) -> None:
        self.seen = [t0, t1, t2]


@dataclass
class ModelModule:
    imports: list[int] = field(default_factory=list)
    provided: set[int] = field(default_factory=set)
    exported: set[int] = field(default_factory=set)
    reexported: set[int] = field(default_factory=set)
    is_global: bool = False


@st.composite
def graphs(draw: st.DrawFn) -> list[ModelModule]:
    """Modules with imports in any direction, also in circles; module 0 is the root."""
    count = draw(st.integers(1, 6))
    modules: list[ModelModule] = []
    for _ in range(count):
        imports = draw(st.lists(st.integers(0, count - 1), unique=True, max_size=4))
        provided = draw(st.sets(st.integers(0, 2)))
        modules.append(
            ModelModule(
                imports,
                provided,
                draw(st.sets(st.sampled_from(sorted(provided)))) if provided else set(),
                draw(st.sets(st.sampled_from(imports))) if imports else set(),
                draw(st.booleans()),
            )
        )
    return modules


def reachable(modules: list[ModelModule]) -> list[int]:
    """Module numbers in the order in which they are met: depth first, in the order of the imports."""
    order: list[int] = []

    def visit(number: int) -> None:
        if number not in order:
            order.append(number)
            for imported in modules[number].imports:
                visit(imported)

    visit(0)
    return order


def offered(modules: list[ModelModule], number: int, token: int, passed: frozenset[int]) -> int | None:
    """The module whose provider an importer of `number` gets for a token."""
    if number in passed:
        return None
    if token in modules[number].exported:
        return number
    for imported in modules[number].imports:
        if imported in modules[number].reexported:
            found = offered(modules, imported, token, passed | {number})
            if found is not None:
                return found
    return None


def expected(modules: list[ModelModule], number: int, token: int) -> int | None:
    """Own providers, then imports in order, then global modules in the order in which they are met."""
    if token in modules[number].provided:
        return number
    everywhere = [each for each in reachable(modules) if modules[each].is_global]
    for source in (*modules[number].imports, *everywhere):
        found = offered(modules, source, token, frozenset())
        if found is not None:
            return found
    return None


def build(modules: list[ModelModule]) -> list[DynamicModule]:
    built: list[DynamicModule] = []

    def reference(number: int) -> Any:
        return forward_ref(lambda: built[number])

    for number, module in enumerate(modules):
        built.append(
            DynamicModule(
                type(f"M{number}", (), {}),
                imports=[reference(each) for each in module.imports],
                providers=[
                    Reader,
                    *(provide(TOKENS[each], use_value=f"M{number}") for each in sorted(module.provided)),
                ],
                exports=[
                    *(TOKENS[each] for each in sorted(module.exported)),
                    *(reference(each) for each in sorted(module.reexported)),
                ],
                is_global=module.is_global,
            )
        )
    return built


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_each_module_sees_what_the_model_says(modules: list[ModelModule]) -> None:
    built = build(modules)
    container = asyncio.run(Container.create(built[0]))

    assert [node.name for node in container.modules] == [f"M{number}" for number in reachable(modules)]
    for number in reachable(modules):
        seen = container.select(built[number]).get(Reader).seen
        model = [expected(modules, number, token) for token in range(3)]
        assert seen == [None if source is None else f"M{source}" for source in model]
