"""Reads annotations at run time, also those that `from __future__ import annotations` left as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, SimpleNamespace
from typing import Any, ForwardRef, get_type_hints

KnownClasses = Mapping[tuple[str, str], type[Any]]
"""The classes of the application by module and qualified name, for names local to a function. A name that
several classes have raises AmbiguousNameError.
"""


class UnreadableAnnotation:
    """Stands where an annotation could not be read; `text` is None when there was none at all."""

    __slots__ = ("is_ambiguous", "text")

    def __init__(self, text: str | None, *, is_ambiguous: bool = False) -> None:
        self.text = text
        self.is_ambiguous = is_ambiguous


class AmbiguousNameError(LookupError):
    """Several classes of the application are called like that."""


class Namespace(Mapping[str, Any]):
    """The names that annotations of a function or class can use, beyond those of their module.

    As a mapping it gives the closure, the class body and, for code inside functions, the classes of the
    application that were defined in the same enclosing function.
    """

    __slots__ = ("_function", "_known", "_owner", "_qualname", "module", "module_names")

    def __init__(self, function: FunctionType | None, owner: type[Any] | None, known: KnownClasses) -> None:
        self._function = function
        self._owner = owner
        self._known = known
        source: Any = function or owner
        self._qualname: str = source.__qualname__
        self.module: str = source.__module__
        self.module_names: dict[str, Any] = (
            function.__globals__ if function is not None else vars(sys.modules.get(self.module, object()))
        )

    def __getitem__(self, name: str) -> Any:
        function = self._function
        if function is not None and function.__closure__ and name in function.__code__.co_freevars:
            return function.__closure__[function.__code__.co_freevars.index(name)].cell_contents
        if self._owner is not None and name in vars(self._owner):
            return vars(self._owner)[name]
        enclosing = self._qualname
        while "<locals>." in enclosing:
            enclosing = enclosing.rpartition("<locals>.")[0]
            known = self._known.get((self.module, f"{enclosing}<locals>.{name}"))
            if known is not None:
                return known
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def read(self, annotation: Any) -> Any:
        """The annotation as an object, or `UnreadableAnnotation` if it names what is not there.

        Texts within it are looked up as well: `Annotated["Later", Body()]`.
        """
        if isinstance(annotation, ForwardRef):
            annotation = annotation.__forward_arg__
        if isinstance(annotation, type):
            return annotation
        if isinstance(annotation, str):
            found = self.module_names.get(annotation)
            if isinstance(found, type):
                return found
        holder = SimpleNamespace(__annotations__={"it": annotation})
        try:
            return get_type_hints(holder, self.module_names, self, include_extras=True)["it"]
        except (NameError, AttributeError, SyntaxError, TypeError):
            return UnreadableAnnotation(str(annotation))
        except AmbiguousNameError:
            return UnreadableAnnotation(str(annotation), is_ambiguous=True)
