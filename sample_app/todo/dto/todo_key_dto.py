from typing import Annotated

from pydantic import AfterValidator, Field

from cqrs_nest.commands import remove_sort_key_version
from cqrs_nest.http import Dto


class TodoKeyDto(Dto):
    """`:pk/:sk` of a path. The `sk` of a command, which ends in its version, serves as well."""

    pk: Annotated[str, Field(min_length=1)]
    sk: Annotated[str, Field(min_length=1), AfterValidator(remove_sort_key_version)]
