"""`ModuleRef`: fetches and makes things at run time, from the point of view of one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cqrs_nest.common.tokens import InjectionToken
from cqrs_nest.core.bindings import ModuleNode
from cqrs_nest.core.request_scope import RequestScope

if TYPE_CHECKING:
    from injector import Injector

    from cqrs_nest.core.container import Container

T = TypeVar("T")


class ModuleRef:
    """Injectable everywhere; each module gets its own.

    >>> from cqrs_nest.common import Module
    >>> class Cat: ...
    >>> class Zoo:
    ...     def __init__(self, module_ref: ModuleRef) -> None:
    ...         self.module_ref = module_ref
    ...     def cat(self) -> Cat:
    ...         return self.module_ref.get(Cat)
    >>> @Module(providers=[Cat, Zoo])
    ... class ZooModule: ...
    """

    def __init__(self, container: Container, module: ModuleNode) -> None:
        self._container = container
        self._module = module

    @property
    def injector(self) -> Injector:
        """The module's `injector.Injector`, for code that is written against that library.

        It gives what the module sees. A request-scoped provider needs a request around the call.
        """
        return self._container.injector_of(self._module)

    def get(self, token: type[T] | InjectionToken[T], *, strict: bool = True) -> T:
        """The one instance of a provider.

        Strict looks at the module's own providers only, not at imported ones; otherwise at all modules, and
        the last one wins. Raises UnknownProviderError, or ProviderScopeError if the provider is
        request-scoped or transient.
        """
        return self._container.get_from(self._module if strict else None, token)

    async def resolve(
        self, token: type[T] | InjectionToken[T], scope: RequestScope | None = None, *, strict: bool = True
    ) -> T:
        """An instance of any provider: with the same `scope` the same one, without a scope a new one."""
        return await self._container.resolve_from(self._module if strict else None, token, scope)

    async def create(self, cls: type[T], scope: RequestScope | None = None) -> T:
        """A new object of a class that need not be a provider, injected with what the module sees.

        Raises UnresolvedDependencyError.
        """
        return await self._container.create_in(self._module, cls, scope)
