"""Where tables are declared: a MetaData, or the name of one, which is imported when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from cqrs_nest.core.errors import CqrsNestError

if TYPE_CHECKING:
    from sqlalchemy import MetaData

DeclaredMetadata: TypeAlias = "MetaData | str | Sequence[MetaData | str]"
"""One or several. A text is `package.module:name`, or `package.module:Base.metadata` of mapped classes: so
SQLAlchemy is not imported with the service."""


class UnknownMetadataError(CqrsNestError):
    """A text that was given for a MetaData does not name one."""

    def __init__(self, given: str, reason: str) -> None:
        super().__init__(
            f"SqlModule was given {given!r} for a MetaData, and {reason}.\n"
            'Fix: write "package.module:name", where name = MetaData(), or "package.module:Base.metadata".'
        )


def import_metadata(given: DeclaredMetadata) -> Sequence[MetaData]:
    """The MetaData, imported where they are named. Raises UnknownMetadataError."""
    several = [given] if isinstance(given, str) or not isinstance(given, Sequence) else given
    return [_imported(each) if isinstance(each, str) else each for each in several]


def _imported(name: str) -> MetaData:
    from sqlalchemy import MetaData

    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for path in (module_name, attribute) for part in path.split(".")):
        raise UnknownMetadataError(name, "that is not the name of one")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module is there, and imports another one that is not
        raise UnknownMetadataError(name, f"there is no module {error.name}") from None
    found: object = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, MetaData):
        what = "has no such name" if found is None else f"has a {type(found).__name__} of that name"
        raise UnknownMetadataError(name, f"{module_name} {what}")
    return found
