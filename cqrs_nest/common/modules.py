"""`@Module` and the dynamic modules that `register(...)` methods return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from cqrs_nest.common.metadata import MetadataKey, define_metadata
from cqrs_nest.common.providers import Provider
from cqrs_nest.common.tokens import ForwardReference, Token

ClassT = TypeVar("ClassT", bound=type)

Import: TypeAlias = "type[Any] | DynamicModule | ForwardReference[Any] | Any"
"""A module class, a dynamic module, an awaitable of one, or a forward reference to one."""


@dataclass(frozen=True, slots=True)
class ModuleMetadata:
    imports: tuple[Import, ...] = ()
    controllers: tuple[type[Any], ...] = ()
    providers: tuple[Provider, ...] = ()
    exports: tuple[Token, ...] = ()
    is_global: bool = False
    injector_modules: tuple[Any, ...] = ()


MODULE = MetadataKey[ModuleMetadata]("module")


@dataclass(frozen=True, slots=True, eq=False)
class DynamicModule:
    """A module with its options filled in. Each object is a module of its own, even with equal options.

    Its lists are added to those of the `@Module` decorator on `module`; for an equal token the
    provider given here wins.
    """

    module: type[Any]
    imports: Sequence[Import] = ()
    controllers: Sequence[type[Any]] = ()
    providers: Sequence[Provider] = ()
    exports: Sequence[Token] = ()
    is_global: bool = False
    injector_modules: Sequence[Any] = ()


def Module(
    *,
    imports: Sequence[Import] = (),
    controllers: Sequence[type[Any]] = (),
    providers: Sequence[Provider] = (),
    exports: Sequence[Token] = (),
    is_global: bool = False,
    injector_modules: Sequence[Any] = (),
) -> Callable[[ClassT], ClassT]:
    """Group controllers and providers. Providers are private to the module unless exported.

    >>> class CatService: ...
    >>> @Module(providers=[CatService], exports=[CatService])
    ... class CatModule: ...
    """
    metadata = ModuleMetadata(
        tuple(imports),
        tuple(controllers),
        tuple(providers),
        tuple(exports),
        is_global,
        tuple(injector_modules),
    )

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, MODULE, metadata)
        return cls

    return decorate
