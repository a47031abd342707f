"""Finds the modules of an application, from the root along the imports."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any, TypeGuard
from weakref import WeakKeyDictionary

from cqrs_nest.common.execution import CATCHES
from cqrs_nest.common.metadata import find_metadata, own_metadata
from cqrs_nest.common.modules import MODULE, DynamicModule, Import, ModuleMetadata
from cqrs_nest.common.providers import INJECTABLE
from cqrs_nest.common.routing import CONTROLLER
from cqrs_nest.common.tokens import ForwardReference
from cqrs_nest.core.bindings import ModuleNode
from cqrs_nest.core.errors import InvalidModuleError, StartCancelledError, error_text, wrong_entry
from cqrs_nest.core.ordering import depth_first
from cqrs_nest.core.overrides import Overrides

_NO_METADATA = ModuleMetadata()
_NOT_MODULES = {INJECTABLE: "@Injectable()", CONTROLLER: "@Controller()", CATCHES: "@Catch()"}

_awaited: WeakKeyDictionary[Awaitable[Any], asyncio.Future[Import]] = WeakKeyDictionary()
"""Results of `imports=[XModule.register(...)]` with an async `register`: a coroutine can be awaited once,
but its module may be part of several applications."""


class ModuleScanner:
    """Makes one node of each module: a static module by its class, a dynamic one by its object."""

    def __init__(self, overrides: Overrides) -> None:
        self._overrides = overrides
        self._nodes: dict[Import, ModuleNode] = {}

    @property
    def nodes(self) -> list[ModuleNode]:
        """All modules found so far, the root first, each before its imports."""
        return list(self._nodes.values())

    async def scan(self, root: Import) -> ModuleNode:
        """Add `root` and everything it imports. Raises InvalidModuleError for an entry that is no module."""
        pending: list[tuple[ModuleNode | None, int, Import]] = [(None, 0, root)]
        while pending:
            importer, index, entry = pending.pop()
            module = await self._module(entry, importer, index)
            node = self._nodes.get(module)
            if node is None:
                node = self._nodes[module] = _node_of(module, importer)
                imports = enumerate(node.metadata.imports)
                pending.extend((node, position, each) for position, each in reversed(list(imports)))
            if importer is not None and node not in importer.imports:
                importer.imports.append(node)
        return self._nodes[await self.resolve(root)]

    async def resolve(self, entry: Import) -> Any:
        """Follow forward references, awaitables and overrides to the class or object that is meant."""
        module = entry.resolve() if _is_forward(entry) else entry
        if inspect.isawaitable(module):
            module = await _await_once(module)
        return self._overrides.of_module(module) if isinstance(module, type | DynamicModule) else module

    def forget_after(self, count: int) -> None:
        """Keep only the first `count` modules: the others could not be built."""
        for module in list(self._nodes)[count:]:
            del self._nodes[module]

    def node_of(self, module: Import) -> ModuleNode | None:
        """The node of a module class or dynamic module."""
        return self._nodes.get(module)

    async def _module(self, entry: Import, importer: ModuleNode | None, index: int) -> Any:
        if _is_forward(entry):
            try:
                entry = entry.resolve()
            except (NameError, AttributeError, ImportError) as error:
                raise _invalid(importer, index, f"forward_ref(...) failed: {error}") from error
        module = await self.resolve(entry)
        if isinstance(module, DynamicModule):
            return module
        if isinstance(module, type):
            _refuse_what_is_no_module(module, importer, index)
            return module
        if module is None:
            reason = "the entry is None: a module that is still being imported, or a function without return"
            fix = "if two files import each other, write forward_ref(lambda: XModule) in both"
            raise _invalid(importer, index, reason, fix)
        raise _invalid(importer, index, f"{module!r} is neither a module class nor a dynamic module")


async def _await_once(awaitable: Awaitable[Any]) -> Import:
    known = _awaited.get(awaitable)
    if known is not None:
        return await known
    result = _awaited[awaitable] = asyncio.get_running_loop().create_future()
    try:
        result.set_result(await awaitable)
    except Exception as error:  # noqa: BLE001 - raised below
        result.set_exception(error)
    finally:
        if not result.done():
            result.set_exception(StartCancelledError("A start was cancelled while it waited for an import."))
            result.exception()  # whether others wait for it or not
    return await result


def _is_forward(entry: Any) -> TypeGuard[ForwardReference[Any]]:
    return isinstance(entry, ForwardReference)


def _node_of(module: type[Any] | DynamicModule, importer: ModuleNode | None) -> ModuleNode:
    path = importer.path if importer is not None else ()
    if isinstance(module, type):
        return ModuleNode(module, find_metadata(module, MODULE, _NO_METADATA), path)
    static = find_metadata(module.module, MODULE, _NO_METADATA)
    joined = ModuleMetadata(
        (*static.imports, *module.imports),
        (*static.controllers, *module.controllers),
        (*static.providers, *module.providers),
        (*static.exports, *module.exports),
        static.is_global or module.is_global,
        (*static.injector_modules, *module.injector_modules),
    )
    return ModuleNode(module.module, joined, path)


def _refuse_what_is_no_module(cls: type[Any], importer: ModuleNode | None, index: int) -> None:
    metadata = own_metadata(cls)
    if find_metadata(cls, MODULE) is not None:
        return
    for key, decorator in _NOT_MODULES.items():
        if key in metadata:
            place = "controllers" if key is CONTROLLER else "providers"
            raise _invalid(
                importer,
                index,
                f"{cls.__name__} is decorated with {decorator}, it is not a module",
                f"move {cls.__name__} to the {place} of the module",
            )


def _invalid(
    importer: ModuleNode | None, index: int, reason: str, fix: str | None = None
) -> InvalidModuleError:
    if importer is None:
        return InvalidModuleError(error_text("The root is not a module.", {"reason": reason, "fix": fix}))
    return InvalidModuleError(wrong_entry(importer, "imports", index, reason, fix))


def measure_distances(nodes: list[ModuleNode]) -> None:
    """Give each module its number of steps from the root, on the longest way without cycles."""
    order = depth_first(nodes, lambda node: node.imports)[::-1]
    position = {node: index for index, node in enumerate(order)}
    for node in order:
        for imported in node.imports:
            if position[imported] > position[node]:
                imported.distance = max(imported.distance, node.distance + 1)
