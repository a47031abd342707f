"""The Python column of the migration guide is a service that starts and answers."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.cqrs import CommandInput, CommandModel, CommandService, DataService
from cqrs_nest.testing import Test
from tests.docs.pages import run_python


class PublishedCommands:
    async def publish_async(self, command: CommandInput, **options: object) -> CommandModel:
        return CommandModel.from_row({**command.to_row(), "version": 1})


async def test_the_python_of_the_page_is_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Environment(node_env="local", app_name="cats")
    building = Test.create_testing_module(imports=[run_python("migration.md")["CatModule"]], env=settings)
    for service in (CommandService, DataService):
        building.override_provider(service).use_value(PublishedCommands())
    async with await building.compile() as module:
        app = await module.create_application()
        await app.initialize()
        admin = sign_development_token(settings, user="ann", tenant="acme", roles=["system_admin"])
        user = sign_development_token(settings, user="bob", tenant="acme", roles=[])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cats") as http:
            answers = [
                await http.post("/api/cat", json=body, headers={"authorization": f"Bearer {token}"})
                for token, body in (
                    (admin, {"name": "Tom", "birthYear": 2020}),
                    (admin, {"name": 5}),
                    (user, {"name": "Tom"}),
                )
            ]
    assert [answer.status_code for answer in answers] == [201, 400, 403]
    assert answers[0].json()["pk"] == "CAT#acme"
    assert answers[0].json()["attributes"] == {"birthYear": 2020}
