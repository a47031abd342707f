"""What a constructor or a factory asks for, read from its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from types import FunctionType, MethodType, NoneType, UnionType
from typing import Annotated, Any, Final, NamedTuple, TypeGuard, Union, get_args, get_origin

from cqrs_nest.common.tokens import ForwardReference, Inject, Token
from cqrs_nest.core.annotations import KnownClasses, Namespace, UnreadableAnnotation

_CACHE = "__cqrs_nest_dependencies__"
_IMMUTABLE = 1 << 8
"""Py_TPFLAGS_IMMUTABLETYPE: a class like `dict`, which cannot be given attributes."""


def alias_class(token: Token) -> type[Any] | None:
    """The class of a generic alias: `Repository` for `Repository[Todo]`."""
    origin: Any = getattr(token, "__origin__", None)
    return origin if isinstance(origin, type) else None


def is_hashable(token: Token) -> bool:
    """Whether it can be a key; a tuple with a list in it cannot, for example."""
    try:
        hash(token)
    except TypeError:
        return False
    return True


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()
"""Stands for "there is none" where None is a value."""


class Passing(Enum):
    """How an argument reaches its class."""

    POSITIONAL = "positional"
    KEYWORD = "keyword"
    PROPERTY = "property"


class Dependency(NamedTuple):
    """One argument: its token, and what is given when nobody provides it."""

    name: str | None
    position: int
    token: Token
    """MISSING: never looked up, the default is given."""
    default: Any = MISSING
    """MISSING: the argument is required."""
    passing: Passing = Passing.POSITIONAL
    is_forward: bool = False
    """True: half-built is good enough, the partner is linked before its constructor has run."""


def dependencies_of_class(cls: type[Any], known: KnownClasses) -> tuple[Dependency, ...]:
    """The constructor's parameters, then the fields annotated with `Annotated[..., Inject(...)]`."""
    cached: tuple[Dependency, ...] | None = cls.__dict__.get(_CACHE)
    if cached is not None:
        return cached
    # A class like a NamedTuple takes its parameters in __new__ alone.
    declared: Any = cls.__new__ if cls.__init__ is object.__init__ else cls.__init__
    constructor = inspect.unwrap(declared)
    parameters: tuple[Dependency, ...] = ()
    if isinstance(constructor, FunctionType):
        parameters = tuple(_parameters(constructor, 1, cls, known))
    dependencies = (*parameters, *_properties(cls, {parameter.name for parameter in parameters}, known))
    is_readable = not any(isinstance(dependency.token, UnreadableAnnotation) for dependency in dependencies)
    if is_readable and not _is_local(cls) and not cls.__flags__ & _IMMUTABLE:
        setattr(cls, _CACHE, dependencies)
    return dependencies


def _is_local(cls: type[Any]) -> bool:
    """Whether what its annotations mean may depend on the module that it stands in."""
    return any("<locals>" in base.__qualname__ for base in cls.__mro__)


def dependencies_of_factory(
    factory: Callable[..., Any], inject: Sequence[Token] | None, known: KnownClasses
) -> tuple[Dependency, ...]:
    """The tokens of `inject=[...]` in order, or the factory's annotated parameters."""
    if inject is not None:
        return tuple(_injected(index, entry) for index, entry in enumerate(inject))
    if isinstance(factory, type):
        return dependencies_of_class(factory, known)
    if _is_partial(factory):
        return tuple(_left_open(factory, dependencies_of_factory(factory.func, None, known)))
    function: object = inspect.unwrap(factory)
    if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        return tuple(_parameters(function.__func__, 1, None, known))
    if isinstance(function, FunctionType):
        return tuple(_parameters(function, 0, None, known))
    call: Any = vars(type(function)).get("__call__")
    return tuple(_parameters(call, 1, None, known)) if isinstance(call, FunctionType) else ()


def _is_partial(factory: object) -> TypeGuard[partial[Any]]:
    return isinstance(factory, partial)


def _left_open(factory: partial[Any], dependencies: Iterable[Dependency]) -> Iterator[Dependency]:
    """What a partial function still needs; behind a given keyword arguments are passed by name."""
    passing = Passing.POSITIONAL
    for dependency in dependencies:
        if dependency.position < len(factory.args):
            continue
        if dependency.name in factory.keywords:
            passing = Passing.KEYWORD
            continue
        by_name = passing if dependency.passing is Passing.POSITIONAL else dependency.passing
        yield dependency._replace(passing=by_name)


def followed(token: Token) -> Token:
    """What a forward reference refers to, or UnreadableAnnotation if that is not there."""
    if not _is_forward(token):
        return token
    try:
        return token.resolve()
    except (NameError, AttributeError, ImportError) as error:
        return UnreadableAnnotation(f"forward_ref(...): {error}")


def _is_forward(token: Token) -> TypeGuard[ForwardReference[Any]]:
    return isinstance(token, ForwardReference)


def _injected(index: int, entry: Token) -> Dependency:
    marker = entry if isinstance(entry, Inject) else Inject(entry)
    default = None if marker.optional else MISSING
    return Dependency(None, index, marker.token, default, is_forward=_is_forward(marker.token))


def _parameters(
    function: FunctionType, skip: int, owner: type[Any] | None, known: KnownClasses
) -> Iterator[Dependency]:
    code = function.__code__
    positional = code.co_argcount
    names = code.co_varnames[: positional + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    keyword_defaults = function.__kwdefaults__ or {}
    first_default = positional - len(defaults)
    annotations = function.__annotations__
    namespace = Namespace(function, owner, known)
    for index in range(skip, len(names)):
        name = names[index]
        if index >= positional:
            default, passing = keyword_defaults.get(name, MISSING), Passing.KEYWORD
        else:
            default = defaults[index - first_default] if index >= first_default else MISSING
            passing = Passing.POSITIONAL
        if name in annotations:
            token, absent, is_forward = _token_of(namespace.read(annotations[name]), namespace)
            default = absent if default is MISSING else default
        else:
            token = MISSING if default is not MISSING else UnreadableAnnotation(None)
            is_forward = False
        yield Dependency(name, index - skip, token, default, passing, is_forward)


def _token_of(annotation: Any, namespace: Namespace) -> tuple[Token, Any, bool]:
    """The token of an annotation, what stands in when it is absent, and whether it is a forward reference."""
    if isinstance(annotation, type):
        return annotation, MISSING, False
    members = tuple(member for member in union_members(annotation) if member is not NoneType)
    if members:
        if len(members) == len(get_args(annotation)):
            return annotation, MISSING, False
        inner = members[0] if len(members) == 1 else Union[members]  # noqa: UP007
        token, _, is_forward = _token_of(inner, namespace)
        return token, None, is_forward
    if get_origin(annotation) is Annotated:
        declared, *metadata = get_args(annotation)
        marker = _inject_marker(metadata)
        if marker is None:
            return _token_of(declared, namespace)
        absent = None if marker.optional or NoneType in get_args(declared) else MISSING
        return marker.token, absent, _is_forward(marker.token)
    return namespace.read(annotation), MISSING, False


def union_members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, nothing for anything else."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()


def _inject_marker(metadata: Iterable[Any]) -> Inject | None:
    return next((entry for entry in metadata if isinstance(entry, Inject)), None)


def _properties(cls: type[Any], parameters: set[str | None], known: KnownClasses) -> Iterator[Dependency]:
    """Fields like `clock: Annotated[Clock, Inject(CLOCK)]`, base classes first."""
    for base in reversed(cls.__mro__):
        for name, annotation in inspect.get_annotations(base).items():
            if name in parameters or not _may_be_injected(annotation):
                continue
            text, annotation = annotation, Namespace(None, base, known).read(annotation)
            if isinstance(annotation, UnreadableAnnotation):
                if "Inject(" in str(text):
                    yield Dependency(name, -1, annotation, passing=Passing.PROPERTY)
            elif _inject_marker(get_args(annotation)[1:]) is not None:
                token, absent, is_forward = _token_of(annotation, Namespace(None, base, known))
                default = base.__dict__.get(name, absent)
                yield Dependency(name, -1, token, default, Passing.PROPERTY, is_forward)


def _may_be_injected(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return "Inject(" in annotation or annotation.replace(".", "").isidentifier()
    return get_origin(annotation) is Annotated
