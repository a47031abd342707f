from typing import Annotated, TypeAlias

from pydantic import AfterValidator, StringConstraints

from cqrs_nest.commands import VERSION_LATEST, get_sort_key_version, remove_sort_key_version
from cqrs_nest.http import Dto

KeyText: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=500)]


def _without_version(sk: str) -> str:
    return sk if get_sort_key_version(sk) == VERSION_LATEST else remove_sort_key_version(sk)


class TodoKeyDto(Dto):
    """`:pk/:sk` of a path. The `sk` of a command, which ends in its version, serves as well."""

    pk: KeyText
    sk: Annotated[str, AfterValidator(_without_version), KeyText]
