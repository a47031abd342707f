"""`ConfigurableModule[Options]`: modules that are imported with options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args

from cqrs_nest.common.modules import DynamicModule, Import
from cqrs_nest.common.providers import (
    ClassProvider,
    ExistingProvider,
    FactoryProvider,
    Provider,
    ValueProvider,
)
from cqrs_nest.common.tokens import Token
from cqrs_nest.core.errors import InvalidModuleError

OptionsT = TypeVar("OptionsT")
OptionsT_co = TypeVar("OptionsT_co", covariant=True)


class OptionsFactory(Protocol[OptionsT_co]):
    """Makes a module's options; for `register_async(use_class=...)`."""

    def create(self) -> OptionsT_co | Awaitable[OptionsT_co]: ...


class ConfigurableModule(Generic[OptionsT]):
    """Base of modules with `register(options)` and `register_async(...)`; the options are injected by type.

    Each call makes a module of its own.

    >>> from dataclasses import dataclass
    >>> from cqrs_nest.common import Module
    >>> @dataclass
    ... class MailOptions:
    ...     sender: str
    >>> class Mailer:
    ...     def __init__(self, options: MailOptions) -> None:
    ...         self.sender = options.sender
    >>> @Module(providers=[Mailer], exports=[Mailer])
    ... class MailModule(ConfigurableModule[MailOptions]): ...
    >>> MailModule.register(MailOptions("a@b.c")).providers[0].token is MailOptions
    True
    """

    options_token: ClassVar[Token]
    """What the options are provided under, inside the module: their class."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for base in cls.__dict__.get("__orig_bases__", ()):
            if getattr(base, "__origin__", None) is ConfigurableModule:
                cls.options_token = get_args(base)[0]

    @classmethod
    def register(cls, options: OptionsT, *, is_global: bool = False) -> DynamicModule:
        """The module with finished options."""
        return cls._with([ValueProvider(cls.options_token, options)], (), is_global)

    @classmethod
    def register_async(
        cls,
        *,
        use_factory: Callable[..., OptionsT | Awaitable[OptionsT]] | None = None,
        use_class: type[OptionsFactory[OptionsT]] | None = None,
        use_existing: type[OptionsFactory[OptionsT]] | None = None,
        inject: Sequence[Token] | None = None,
        imports: Sequence[Import] = (),
        is_global: bool = False,
    ) -> DynamicModule:
        """The module with options that are made when the application is built.

        By a function, sync or async, that gets `inject`; by a class with `create()` that the module builds;
        or by one that a module of `imports` exports. Raises InvalidModuleError unless exactly one is given.
        """
        given = [each for each in (use_factory, use_class, use_existing) if each is not None]
        if len(given) != 1:
            raise InvalidModuleError(
                f"{cls.__name__}.register_async needs exactly one of use_factory, use_class and use_existing."
            )
        token = cls.options_token
        if use_factory is not None:
            tokens = None if inject is None else tuple(inject)
            return cls._with([FactoryProvider(token, use_factory, tokens)], imports, is_global)
        maker: Provider
        if use_class is not None:
            maker = ClassProvider(OptionsFactory, use_class)
        else:
            maker = ExistingProvider(OptionsFactory, use_existing)
        options = FactoryProvider(token, _create, (OptionsFactory,))
        return cls._with([maker, options], imports, is_global)

    @classmethod
    def _with(
        cls, providers: Sequence[Provider], imports: Sequence[Import], is_global: bool
    ) -> DynamicModule:
        return DynamicModule(cls, imports=imports, providers=providers, is_global=is_global)


def _create(factory: OptionsFactory[OptionsT]) -> OptionsT | Awaitable[OptionsT]:
    return factory.create()
