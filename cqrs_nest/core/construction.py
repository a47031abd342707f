"""How one binding is made of its arguments: a call, or `__new__` first and `__init__` later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cqrs_nest.common.providers import ClassProvider, ExistingProvider, FactoryProvider, ValueProvider
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.core.bindings import Binding
from cqrs_nest.core.dependencies import Passing
from cqrs_nest.core.errors import CircularDependencyError, ProviderScopeError, error_text


def constructor(binding: Binding) -> Callable[..., Any]:
    """Makes the instance from the arguments, one for each link in order."""
    definition = binding.definition
    if isinstance(definition, ExistingProvider):
        return _same
    if isinstance(definition, ValueProvider):
        return lambda: binding.instance
    call = definition.factory if isinstance(definition, FactoryProvider) else definition.cls
    make, count = _with_keywords(binding, call), _parameter_count(binding)
    if count == len(binding.links):
        return make
    set_properties = _property_setter(binding)

    def construct(*arguments: Any) -> Any:
        instance = make(*arguments[:count])
        set_properties(instance, arguments[count:])
        return instance

    return construct


def allocator(binding: Binding) -> Callable[[], Any]:
    """Makes the bare object of a class that is part of a circle.

    Raises CircularDependencyError if its `__new__` cannot do without arguments.
    """
    cls = _class_of(binding)

    def allocate() -> Any:
        try:
            return cls.__new__(cls)
        except TypeError as error:
            name = describe_token(cls)
            facts = {
                "module": binding.module.name,
                "reason": str(error),
                "fix": f"let {name} take its arguments in __init__ alone, or take the circle apart",
            }
            headline = f"{name} is part of a circle, and its __new__ cannot make it without arguments."
            raise CircularDependencyError(error_text(headline, facts)) from error

    return allocate


def initializer(binding: Binding) -> Callable[..., None]:
    """Runs the constructor of an allocated object: `initialize(instance, *arguments)`."""
    cls, count = _class_of(binding), _parameter_count(binding)
    initialize, set_properties = _with_keywords(binding, cls.__init__), _property_setter(binding)

    def construct(instance: Any, *arguments: Any) -> None:
        initialize(instance, *arguments[:count])
        set_properties(instance, arguments[count:])

    return construct


def refuse_awaitable(binding: Binding, construct: Callable[..., Any]) -> Callable[..., Any]:
    """Guards a request-scoped factory that is not declared with `async def` but gives an awaitable."""

    def checked(*arguments: Any) -> Any:
        result: object = construct(*arguments)
        if hasattr(type(result), "__await__"):
            name = describe_token(binding.token)
            raise ProviderScopeError(
                f"The request-scoped factory of {name} ({binding.module.name}) gave an awaitable: "
                "declare it with async def."
            )
        return result

    return checked


def _same(target: Any) -> Any:
    return target


def _class_of(binding: Binding) -> Any:
    assert isinstance(binding.definition, ClassProvider)  # noqa: S101
    return binding.definition.cls


def _parameter_count(binding: Binding) -> int:
    return sum(link.dependency.passing is not Passing.PROPERTY for link in binding.links)


def _with_keywords(binding: Binding, call: Callable[..., Any]) -> Callable[..., Any]:
    """Hands the trailing keyword-only arguments over by name."""
    passed = [link.dependency for link in binding.links if link.dependency.passing is Passing.KEYWORD]
    if not passed:
        return call
    names = [str(dependency.name) for dependency in passed]

    def construct(*arguments: Any) -> Any:
        split = len(arguments) - len(names)
        return call(*arguments[:split], **dict(zip(names, arguments[split:], strict=True)))

    return construct


def _property_setter(binding: Binding) -> Callable[[Any, tuple[Any, ...]], None]:
    passed = [link.dependency for link in binding.links if link.dependency.passing is Passing.PROPERTY]
    names = [str(dependency.name) for dependency in passed]

    def set_properties(instance: Any, values: tuple[Any, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            setattr(instance, name, value)

    return set_properties
