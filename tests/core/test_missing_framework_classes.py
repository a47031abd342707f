"""A framework class that is missing names the module to import, not "add it to the providers"."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.common import Module
from cqrs_nest.core import Container, UnresolvedDependencyError
from cqrs_nest.cqrs import CommandBus, CommandService
from cqrs_nest.read_models import SqlDatabase


def needing(token: type[Any]) -> type[Any]:
    class Needy:
        def __init__(self, needed: Any) -> None:
            pass

    Needy.__init__.__annotations__["needed"] = token
    return Module(providers=[Needy])(type("CatModule", (), {}))


@pytest.mark.parametrize(
    ("token", "fix"),
    [
        (CommandBus, "add CqrsModule to the imports of CatModule"),
        (CommandService, "add CqrsModule.register(table_name=...) to the imports of CatModule"),
        (SqlDatabase, "add SqlModule.register(...) to the imports of CatModule"),
        (DynamoDbService, "add AwsModule to the imports of CatModule"),
        (int, "say which int: Annotated[int, Inject(TOKEN)]"),
    ],
)
async def test_the_fix_is_the_right_one(token: type[Any], fix: str) -> None:
    with pytest.raises(UnresolvedDependencyError) as raised:
        await Container.create(needing(token))
    assert fix in str(raised.value)
